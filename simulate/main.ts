#!/usr/bin/env node
// `npm run simulate -- OPTIONS`: what the broker's policy makes of a network in some years (B22-B25).
import { runCommandLine } from './command-line.js';

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  talk: (text) => process.stderr.write(text),
});

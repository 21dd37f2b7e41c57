#!/usr/bin/env node
// The broker's program.
import { runCommandLine } from './command-line.js';

process.exitCode = await runCommandLine(process.argv.slice(2), process.env);

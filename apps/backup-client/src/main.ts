#!/usr/bin/env node
// `peerkeep`: backs this machine up to other people's disks. Exit codes: exit-codes.ts.
import 'reflect-metadata';
import { openLog, readLogLevel, SystemClock } from '#process';
import { ProtocolError } from '#protocol';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { buildProgram } from './program.js';
import { readPhrase } from './read-phrase.js';
import { Terminal } from './terminal.js';

const clock = new SystemClock();
const terminal = new Terminal(process.stdout, process.stderr, clock);
const stop = new AbortController();

/** The first time stops cleanly, so that the next run goes on from there; the second ends at once. */
function interrupt(): void {
  if (stop.signal.aborted) process.exit(EXIT.interrupted);
  terminal.say('stopping; press Ctrl-C again to end at once');
  stop.abort(new ProtocolError('interrupted'));
}

process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.outputClosed);
});
// Talk that nobody reads any more must not end a backup.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  const context = {
    terminal,
    clock,
    // What a person needs to know comes from the terminal.
    log: openLog('peerkeep', readLogLevel(process.env, 'silent')),
    environment: process.env,
    signal: stop.signal,
    readPhrase: () => readPhrase(process.stdin, process.stderr, stop.signal),
    setExitCode: (code: number) => {
      process.exitCode = code;
    },
  };
  await buildProgram(context, { stdout: process.stdout, stderr: process.stderr }).parseAsync();
} catch (error) {
  terminal.explain(error);
  process.exitCode = exitCodeOf(error);
}

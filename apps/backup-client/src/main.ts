#!/usr/bin/env node
// `peerkeep`: backs this machine up to other people's disks. Exit codes: exit-codes.ts.
import { setFlagsFromString } from 'node:v8';
import { openLog, readLogLevel, SystemClock } from '#process';
import { ProtocolError } from '#protocol';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { globalFlagsLast } from './global-flags.js';
import { buildProgram } from './program.js';
import { readPhrase } from './read-phrase.js';
import { Terminal } from './terminal.js';

// Bytes of objects lie outside the heap and count as its growth: with V8's own measure a restore collects the whole heap
// for every two objects, which takes a fifth of its processor time.
setFlagsFromString('--heap-growing-percent=300');

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
process.on('SIGHUP', interrupt);
process.on('SIGUSR1', () => terminal.onStatusAsked?.());
process.on('SIGCONT', () => terminal.resumed());
process.stderr.on('resize', () => terminal.resized());
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (!isReaderGone(error)) throw error;
  // A terminal that went away has sent SIGHUP, which stops cleanly.
  if (error.code === 'EPIPE') process.exit(EXIT.outputClosed);
});
// Talk that nobody reads any more must not end a backup.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (!isReaderGone(error)) throw error;
});

/** A pipe whose reader ended, or a terminal that was closed. */
function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EIO';
}

try {
  const context = {
    terminal,
    clock,
    // What a person needs to know comes from the terminal.
    log: openLog('peerkeep', readLogLevel(process.env, 'silent')),
    environment: process.env,
    signal: stop.signal,
    readPhrase: () => readPhrase(process.stdin, process.stderr, stop.signal),
    stdin: process.stdin,
    setExitCode: (code: number) => {
      process.exitCode = code;
    },
  };
  const program = buildProgram(context, { stdout: process.stdout, stderr: process.stderr });
  await program.parseAsync(globalFlagsLast(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  terminal.explain(error);
  process.exitCode = exitCodeOf(error);
}

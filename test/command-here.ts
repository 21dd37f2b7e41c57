// Runs a command line in this process as main does, on a clock of the test.
import { Readable } from 'node:stream';
import type { Clock, Log } from '#process';
import type { CommandContext } from '../apps/backup-client/src/commands/command-context.js';
import { EXIT, exitCodeOf } from '../apps/backup-client/src/exit-codes.js';
import { globalFlagsLast } from '../apps/backup-client/src/global-flags.js';
import { buildProgram } from '../apps/backup-client/src/program.js';
import { Terminal } from '../apps/backup-client/src/terminal.js';
import { RecordedOutput } from './recorded-output.js';

export interface CommandPlace {
  readonly home: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What is typed when the phrase is asked for. */
  readonly phrase?: string;
}

export interface Spoken {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function peerkeepHere(place: CommandPlace, ...args: string[]): Promise<Spoken> {
  const { home, clock, log, phrase = '' } = place;
  const stdout = new RecordedOutput();
  const stderr = new RecordedOutput();
  const terminal = new Terminal(stdout, stderr, clock);
  let code: number = EXIT.ok;
  const context: CommandContext = {
    terminal,
    clock,
    log,
    environment: { PEERKEEP_HOME: home },
    signal: new AbortController().signal,
    readPhrase: async () => phrase,
    stdin: Readable.from([]),
    setExitCode: (wanted) => {
      code = wanted;
    },
  };
  try {
    await buildProgram(context, { stdout, stderr }).parseAsync(globalFlagsLast(args), { from: 'user' });
  } catch (error) {
    terminal.explain(error);
    code = exitCodeOf(error);
  }
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** The JSON lines on stdout. */
export function messagesOf({ stdout }: Pick<Spoken, 'stdout'>): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

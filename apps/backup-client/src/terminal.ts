// Everything that the command prints. stdout is data, stderr is talk; progress only where a person is watching.
//
// - Talk is `peerkeep: lower-case message`, and an error has a hint line.
// - With --json, stdout carries JSON only, and there is no progress.
import { CommanderError } from 'commander';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { printable } from './format.js';

const PROGRAM = 'peerkeep';
const PROGRESS_INTERVAL_MS = 100;
const ERASE_LINE = '\r\u001b[K';

/** A stream to write to; process.stdout and process.stderr are such. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export class Terminal {
  private json = false;
  private progressShown = false;
  private progressAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly stdout: Output,
    private readonly stderr: Output,
    private readonly clock: Clock,
  ) {}

  /** With `json`, `result` prints its value and no text. */
  useJson(json: boolean): void {
    this.json = json;
  }

  /** The result of a command: its text, or with --json its value as one line. */
  result(value: unknown, text: () => string): void {
    this.erase();
    this.stdout.write(`${this.json ? JSON.stringify(value) : text()}\n`);
  }

  /** Something that a person should know; the command goes on. */
  say(message: string): void {
    this.talk(message);
  }

  warn(message: string): void {
    this.talk(`warning: ${message}`);
  }

  /** Why the command ends, and what to do about it. Commander has printed its own errors. */
  explain(error: unknown): void {
    if (error instanceof CommanderError) return;
    if (error instanceof ProtocolError) {
      this.talk(`error: ${error.message}${factsOf(error)}`);
      this.stderr.write(`  hint: ${error.hint}\n`);
      return;
    }
    this.talk(`error: ${error instanceof Error ? error.message : String(error)}`);
    this.stderr.write('  hint: set PEERKEEP_LOG_LEVEL=debug, try again, and report what you see\n');
  }

  /** One line that is written over by the next. Costs nothing when nobody watches. */
  progress(line: () => string): void {
    if (this.json || !this.stderr.isTTY) return;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.progressAtMs < PROGRESS_INTERVAL_MS) return;
    this.progressAtMs = nowMs;
    this.progressShown = true;
    // A line that wraps could not be erased. A terminal that does not know its width says 0.
    const width = (this.stderr.columns || 80) - 1;
    this.stderr.write(ERASE_LINE + [...line()].slice(0, width).join(''));
  }

  private talk(message: string): void {
    this.erase();
    this.stderr.write(`${PROGRAM}: ${printable(message)}\n`);
  }

  private erase(): void {
    if (!this.progressShown) return;
    this.progressShown = false;
    this.stderr.write(ERASE_LINE);
  }
}

/** The facts that tell a person which thing is meant. */
function factsOf({ facts }: ProtocolError): string {
  const told = ['path', 'file', 'word', 'unknownWord', 'hostId', 'reason'].filter((name) => facts[name] !== undefined);
  return told.length === 0 ? '' : ` (${told.map((name) => `${name}: ${facts[name]}`).join(', ')})`;
}

// Everything that the command prints. stdout is data, stderr is talk; progress only where a person is watching.
//
// - Talk is `peerkeep: lower-case message`, and an error has a hint line.
// - With --json, both carry JSON lines only: results and status on stdout, errors and talk on stderr.
import { CommanderError } from 'commander';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { exitCodeOf } from './exit-codes.js';
import { printable } from './format.js';
import { PaintedBlock } from './progress/painted-block.js';
import { cutEnd } from './progress/text-width.js';

const PROGRAM = 'peerkeep';
const PROGRESS_INTERVAL_MS = 100;
const LINE_INTERVAL_MS = 10_000;

/** A stream to write to; process.stdout and process.stderr are such. */
export interface Output {
  write(text: string | Uint8Array, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** How often -v was given: 1 names what is new or changed, 2 everything. */
  readonly verbosity?: number;
  readonly lineIntervalMs?: number;
  /** A terminal that cannot move its cursor is treated as none. */
  readonly isDumb?: boolean;
}

export class Terminal {
  /** Told when somebody asks how far the call has come. */
  onStatusAsked: (() => void) | null = null;
  private options: OutputOptions = {};
  private progressAtMs = Number.NEGATIVE_INFINITY;
  private readonly block: PaintedBlock;

  constructor(
    private readonly stdout: Output,
    private readonly stderr: Output,
    readonly clock: Clock,
  ) {
    this.block = new PaintedBlock(stderr);
  }

  /** How this call prints; told once, by the options of the command. */
  useOutput(options: OutputOptions): void {
    this.options = options;
  }

  get isJson(): boolean {
    return this.options.json === true;
  }

  /** Results go to a terminal, where somebody reads them. */
  get isTerminal(): boolean {
    return this.stdout.isTTY === true;
  }

  get verbosity(): number {
    return this.options.quiet === true ? 0 : (this.options.verbosity ?? 0);
  }

  get lineIntervalMs(): number {
    return this.options.lineIntervalMs ?? LINE_INTERVAL_MS;
  }

  /** How progress is shown: lines at the foot of a terminal, lines in a log, JSON, or not at all. */
  get mode(): 'block' | 'lines' | 'json' | 'none' {
    const { quiet, isDumb } = this.options;
    if (quiet === true) return 'none';
    if (this.isJson) return 'json';
    if (this.stderr.isTTY && isDumb !== true) return 'block';
    return this.verbosity > 0 ? 'lines' : 'none';
  }

  /** The result of a command: its text, or with --json its value as one line. */
  result(value: unknown, text: () => string): void {
    this.print(this.isJson ? JSON.stringify(value) : text());
  }

  /** The account of what a command did; with --quiet only programs get it. */
  summary(value: unknown, text: () => string): void {
    if (this.isJson) this.message(value);
    else if (this.options.quiet !== true) this.print(text());
    else this.erase();
  }

  /** One JSON line for programs. */
  message(value: unknown): void {
    this.print(JSON.stringify(value));
  }

  /** A part of a result that is bytes, as it is; resolves when the system has taken it. */
  bytes(piece: Uint8Array): Promise<void> {
    this.erase();
    return new Promise((resolve, reject) => {
      this.stdout.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** One line about one entry, for whoever asked for a long listing. */
  listing(line: string): void {
    this.print(printable(line));
  }

  /** Something that a person should know; the command goes on. */
  say(message: string): void {
    if (this.options.quiet !== true) this.talk(message);
  }

  warn(message: string): void {
    if (this.isJson) this.program({ message_type: 'warning', message });
    else this.talk(`warning: ${message}`);
  }

  /** An entry that was left out. `text` is for people, the rest for programs. */
  problem({ text, ...facts }: { text: string; item: string; code: string; reason: string; during: string }): void {
    const { item, code, during, reason } = facts;
    if (this.isJson) this.program({ message_type: 'error', error: { message: reason }, code, during, item });
    else this.talk(`warning: ${text}`);
  }

  /** Why the command ends, and what to do about it. Commander has printed its own errors. */
  explain(error: unknown): void {
    if (error instanceof CommanderError) return;
    const told =
      error instanceof ProtocolError
        ? { message: `${error.message}${factsOf(error)}`, hint: error.hint, error_code: error.code }
        : {
            message: error instanceof Error ? error.message : String(error),
            hint: 'set PEERKEEP_LOG_LEVEL=debug, try again, and report what you see',
          };
    if (this.isJson) {
      this.program({ message_type: 'exit_error', code: exitCodeOf(error), ...told });
      return;
    }
    this.talk(`error: ${told.message}`);
    this.stderr.write(`  hint: ${told.hint}\n`);
  }

  /** One line that is written over by the next. Costs nothing when nobody watches. */
  progress(line: () => string): void {
    if (this.mode !== 'block') return;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.progressAtMs < PROGRESS_INTERVAL_MS) return;
    this.progressAtMs = nowMs;
    // A line that wraps could not be erased. A terminal that does not know its width says 0.
    this.paint(({ columns }) => [cutEnd(printable(line()), (columns || 80) - 1)]);
  }

  /** Lines at the foot of the terminal, in place of those before; made for its present size. */
  paint(lines: (size: { columns: number; rows: number }) => readonly string[]): void {
    this.block.paint(lines);
  }

  /** Take away the lines at the foot. */
  erase(): void {
    this.block.erase();
  }

  /** The terminal has another size: what is painted is made anew. */
  resized(): void {
    this.block.repaint();
  }

  /** Others have written meanwhile (the command was stopped in the shell): what was painted is theirs. */
  resumed(): void {
    this.block.forget();
  }

  /** One line of talk, whether or not --quiet is given. */
  talk(message: string): void {
    if (this.isJson) this.program({ message_type: 'message', message });
    else this.block.above(() => this.stderr.write(`${PROGRAM}: ${printable(message)}\n`));
  }

  private program(value: unknown): void {
    this.stderr.write(`${JSON.stringify(value)}\n`);
  }

  private print(text: string): void {
    this.block.above(() => this.stdout.write(`${text}\n`));
  }
}

/** The facts that tell a person which thing is meant. */
function factsOf({ facts }: ProtocolError): string {
  const told = ['path', 'file', 'word', 'unknownWord', 'hostId', 'reason'].filter((name) => facts[name] !== undefined);
  return told.length === 0 ? '' : ` (${told.map((name) => `${name}: ${facts[name]}`).join(', ')})`;
}

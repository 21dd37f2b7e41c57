// One of the built commands as a child process: its lines, its end, its errors.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const BINS = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: Record<string, string> }).bin;
/** What is kept of a process's talk, to say why it failed. */
const TALK_CHARS_MAX = 8_192;
const LINES_KEPT_MAX = 64;

export type Program = 'peerkeep' | 'peerkeep-agent' | 'peerkeep-server';

export class Command {
  private readonly exited: Promise<number | null>;
  private readonly lines: string[] = [];
  private onLine: ((line: string) => void) | null = null;
  private talk = '';

  private constructor(
    private readonly program: Program,
    private readonly child: ChildProcess,
  ) {
    this.exited = once(child, 'close').then(([code]) => code as number | null);
    child.stderr?.on('data', (piece: Buffer) => {
      this.talk = (this.talk + piece.toString()).slice(-TALK_CHARS_MAX);
    });
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (this.onLine !== null) this.onLine(line);
      else if (this.lines.length < LINES_KEPT_MAX) this.lines.push(line);
    });
  }

  static start(program: Program, args: readonly string[]): Command {
    const child = spawn(process.execPath, [join(ROOT, BINS[program]!), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    return new Command(program, child);
  }

  /** Run to the end; returns stdout, or gives each line to `onLine`. Throws with the last talk unless it exits with 0. */
  static async run(
    program: Program,
    args: readonly string[],
    input: string | null = null,
    onLine: ((line: string) => void) | null = null,
  ): Promise<string> {
    const command = Command.start(program, args);
    const lines: string[] = [];
    command.listen(onLine ?? ((line) => lines.push(line)));
    command.child.stdin?.end(input ?? '');
    const code = await command.exited;
    if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${command.talk.trim()}`);
    return lines.join('\n');
  }

  /** Wait for the first line that matches. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      this.listen((line) => {
        const match = pattern.exec(line);
        if (match !== null) resolve(match);
      });
    });
    const ended = this.exited.then((code) => {
      throw new Error(`${this.program} ended with ${code}: ${this.talk.trim()}`);
    });
    return Promise.race([found, ended]);
  }

  /** Send a signal and wait for the end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.exited;
  }

  private listen(onLine: (line: string) => void): void {
    this.onLine = onLine;
    for (const line of this.lines.splice(0)) onLine(line);
  }
}

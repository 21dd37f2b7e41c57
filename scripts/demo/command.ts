// One of the built commands, or another program, as a child process: its lines, its end, its errors.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Program, scriptOf } from './built-commands.js';

/** What is kept of a process's talk, to say why it failed. */
const TALK_CHARS_MAX = 8_192;
const LINES_KEPT_MAX = 64;

export interface RunOptions {
  /** What the command reads on stdin; nothing when missing. */
  readonly input?: string;
  /** Let it write its talk to this process's stderr, so that it shows progress on a terminal. */
  readonly showTalk?: boolean;
  /** Told the process id, at once. */
  readonly onStarted?: (pid: number) => void;
}

type Where = Pick<SpawnOptions, 'cwd' | 'env'> & { readonly showTalk?: boolean };

export class Command {
  private readonly exited: Promise<number | null>;
  private readonly lines: string[] = [];
  private onLine: ((line: string) => void) | null = null;
  private talk = '';

  private constructor(
    private readonly program: string,
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

  static start(program: Program, args: readonly string[], where: Where = {}): Command {
    return Command.startOther(process.execPath, [scriptOf(program), ...args], where, [program, args[0]].join(' '));
  }

  /** Any program that is installed. name: what errors call it. */
  static startOther(file: string, args: readonly string[], where: Where = {}, name = `${file} ${args[0]}`): Command {
    const { showTalk = false, ...options } = where;
    const stdio: SpawnOptions['stdio'] = ['pipe', 'pipe', showTalk ? 'inherit' : 'pipe'];
    return new Command(name, spawn(file, args, { ...options, stdio }));
  }

  /** Run to the end; returns stdout. Throws with the last talk unless it exits with 0. */
  static run(program: Program, args: readonly string[], options: RunOptions = {}): Promise<string> {
    return Command.start(program, args, { showTalk: options.showTalk === true }).finish(options);
  }

  /** Zero when it could not be started; then `finish` and `line` say why. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Give it its input and wait for its end, as `run` does. */
  async finish({ input = '', onStarted }: Omit<RunOptions, 'showTalk'> = {}): Promise<string> {
    const lines: string[] = [];
    this.listen((line) => lines.push(line));
    onStarted?.(this.pid);
    this.child.stdin?.end(input);
    const code = await this.exited;
    if (code !== 0) throw new Error(`${this.program} ended with ${code}: ${this.talk.trim()}`);
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

  /** Send a signal and wait for the end; returns the exit code, null for an end by signal. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exited;
  }

  private listen(onLine: (line: string) => void): void {
    this.onLine = onLine;
    for (const line of this.lines.splice(0)) onLine(line);
  }
}

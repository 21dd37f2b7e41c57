// A process of the bench: what it prints, what processor time and memory it takes.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export class Child {
  private readonly lines: string[] = [];
  private wake: () => void = () => undefined;

  private constructor(private readonly process: ChildProcess) {
    createInterface({ input: process.stdout! }).on('line', (line) => {
      this.lines.push(line);
      this.wake();
    });
    process.once('exit', () => this.wake());
  }

  static start(file: string, argv: readonly string[], environment: Record<string, string> = {}): Child {
    const env = { ...process.env, ...environment };
    return new Child(spawn(process.execPath, [file, ...argv], { stdio: ['pipe', 'pipe', 'inherit'], env }));
  }

  /** The next line that matches; what stands in its first group. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      for (let line = this.lines.shift(); line !== undefined; line = this.lines.shift()) {
        const match = pattern.exec(line);
        if (match !== null) return match[1]!;
      }
      if (this.process.exitCode !== null) throw new Error(`a process of the bench ended with ${this.process.exitCode}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  say(text: string): void {
    this.process.stdin!.write(`${text}\n`);
  }

  /** Processor time so far, user and system, in seconds. */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  get residentBytes(): number {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))![1]) * 1024;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await ended;
  }
}

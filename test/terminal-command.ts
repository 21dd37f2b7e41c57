// One of the built commands at work, as a person at its terminal sees it: what it says while it runs, and how it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Program } from '../scripts/demo/built-commands.js';
import { freshScriptOf } from './built-afresh.js';
import type { Ended } from './run-command.js';

export class TerminalCommand {
  readonly ended: Promise<Ended>;
  private stdout = '';
  private stderr = '';
  private onOutput: () => void = () => undefined;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (piece: Buffer) => {
      this.stdout += piece.toString();
      this.onOutput();
    });
    child.stderr!.on('data', (piece: Buffer) => {
      this.stderr += piece.toString();
      this.onOutput();
    });
    this.ended = once(child, 'close').then(([code]) => {
      return { code: code as number | null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  static start(program: Program, args: readonly string[], environment: NodeJS.ProcessEnv = {}): TerminalCommand {
    const env = { ...process.env, ...environment };
    return new TerminalCommand(spawn(process.execPath, [freshScriptOf(program), ...args], { env }));
  }

  /** Wait until it has said this, on stdout or stderr; throws when it ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const said = new Promise<RegExpExecArray>((resolve) => {
      this.onOutput = () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match !== null) resolve(match);
      };
    });
    this.onOutput();
    const ended = this.ended.then(({ code }) => {
      throw new Error(`it ended with ${code} and never said ${pattern}: ${this.stderr}`);
    });
    return Promise.race([said, ended]);
  }

  /** Send a signal and wait for the end; also when it has ended before. */
  async end(signal: NodeJS.Signals): Promise<Ended> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }
}

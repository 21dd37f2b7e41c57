// The demo's network: broker, hosts and client, each a real process of the built commands, in one temporary folder.
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from './command.js';
import type { Progress } from './say.js';

interface BackupResult {
  readonly files: number;
  readonly sourceBytes: number;
  readonly storedBytes: number;
  readonly hosts: number;
  readonly seconds: number;
}

interface RestoreResult {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
}

export type OnProgress = (what: string, progress: Progress) => void;

/** How many times, a fifth of a second apart, a host is asked whether the broker has seen it. */
const PRESENCE_TRIES_MAX = 150;

export class DemoNetwork {
  readonly target: string;
  readonly brokerFolder: string;
  private readonly running: Command[] = [];
  private readonly hosts = new Map<string, Command>();
  private joinLink = '';
  private enrolmentKey = '';
  private closing: Promise<void> | null = null;

  private constructor(readonly folder: string) {
    this.target = join(folder, 'restored');
    this.brokerFolder = join(folder, 'broker');
  }

  static async create(): Promise<DemoNetwork> {
    return new DemoNetwork(await mkdtemp(join(tmpdir(), 'peerkeep-demo-')));
  }

  async startBroker(): Promise<void> {
    const args = ['start', '--data-dir', this.brokerFolder, '--listen', '127.0.0.1:0'];
    const broker = this.start('peerkeep-server', args);
    this.joinLink = (await broker.line(/^join link: (peerkeep:\S+)$/))[1]!;
    const create = ['enrolment-key', 'create', '--data-dir', this.brokerFolder, '--uses', '16'];
    this.enrolmentKey = (await Command.run('peerkeep-server', create)).trim();
  }

  async startHosts(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `host-${index + 1}`);
    await Promise.all(names.map((name) => this.startHost(name)));
    await Promise.all(names.map((name) => this.waitUntilPresent(name)));
  }

  /** Returns the recovery phrase. */
  async initClient(): Promise<string> {
    const args = ['init', this.joinLink, '--home', this.home('client'), '--key', this.enrolmentKey, '--json'];
    const { phrase } = JSON.parse(await Command.run('peerkeep', args)) as { phrase: string };
    return phrase;
  }

  async backup(source: string, excludes: readonly string[], onProgress: OnProgress): Promise<BackupResult> {
    const flags = excludes.flatMap((name) => ['--exclude', name]);
    const args = ['backup', source, '--home', this.home('client'), '--json', ...flags];
    return this.summaryOf<BackupResult>('backup', args, onProgress);
  }

  /** SIGKILL, as a power cut would; returns the names of the hosts. */
  async killHosts(count: number): Promise<string[]> {
    const doomed = [...this.hosts].slice(0, count);
    await Promise.all(doomed.map(([, command]) => command.end('SIGKILL')));
    return doomed.map(([name]) => name);
  }

  async forgetClient(): Promise<void> {
    await rm(this.home('client'), { recursive: true });
  }

  async recoverAndRestore(phrase: string, onProgress: OnProgress): Promise<RestoreResult> {
    const home = this.home('new-machine');
    await Command.run('peerkeep', ['recover', this.joinLink, '--home', home], `${phrase}\n`);
    const args = ['restore', 'latest', '--target', this.target, '--home', home, '--json'];
    return this.summaryOf<RestoreResult>('restore', args, onProgress);
  }

  async brokerFootprint(): Promise<{ files: number; bytes: number }> {
    const names = await readdir(this.brokerFolder, { recursive: true });
    const stats = await Promise.all(names.map((name) => stat(join(this.brokerFolder, name))));
    const files = stats.filter((entry) => entry.isFile());
    return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
  }

  /** End every process and remove the folder. */
  async close(): Promise<void> {
    this.closing ??= (async () => {
      await Promise.all(this.running.map((command) => command.end('SIGTERM')));
      await rm(this.folder, { recursive: true, force: true });
    })();
    await this.closing;
  }

  private home(name: string): string {
    return join(this.folder, name);
  }

  private start(program: Parameters<typeof Command.start>[0], args: readonly string[]): Command {
    const command = Command.start(program, args);
    this.running.push(command);
    return command;
  }

  private async startHost(name: string): Promise<void> {
    const home = this.home(name);
    await mkdir(home, { mode: 0o700 });
    const enrol = [
      'enrol',
      this.joinLink,
      '--home',
      home,
      '--share',
      '5GB',
      '--key',
      this.enrolmentKey,
      '--name',
      name,
    ];
    await Command.run('peerkeep-agent', enrol);
    const host = this.start('peerkeep-agent', ['run', '--home', home, '--listen', '127.0.0.1:0']);
    await host.line(/^listening on /);
    this.hosts.set(name, host);
  }

  private async waitUntilPresent(name: string): Promise<void> {
    for (let i = 0; i < PRESENCE_TRIES_MAX; i++) {
      const status = JSON.parse(
        await Command.run('peerkeep-agent', ['status', '--home', this.home(name), '--json']),
      ) as {
        broker: { online: boolean } | null;
      };
      if (status.broker?.online === true) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${name} did not reach the broker`);
  }

  /** Run a command that prints JSON lines: progress goes on, the summary comes back. */
  private async summaryOf<T>(what: string, args: readonly string[], onProgress: OnProgress): Promise<T> {
    let summary: T | null = null;
    await Command.run('peerkeep', args, null, (line) => {
      const message = JSON.parse(line) as { kind: string } & Progress;
      if (message.kind === 'progress') onProgress(what, message);
      if (message.kind === 'summary') summary = message as T;
    });
    if (summary === null) throw new Error(`${what} gave no summary`);
    return summary;
  }
}

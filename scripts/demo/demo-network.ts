// The demo's network: broker, hosts and client, each a real process of the built commands, in one temporary folder.
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from './command.js';

/** Members of the summary that `backup --json` tells. */
interface BackupResult {
  readonly total_files_processed: number;
  readonly total_bytes_processed: number;
  readonly data_stored: number;
  readonly hosts: number;
  readonly total_duration: number;
}

interface RestoreResult {
  readonly files: number;
  readonly bytes_restored: number;
  readonly seconds_elapsed: number;
  readonly files_failed: number;
}

export interface Watching {
  /** Let the command write its progress to this terminal. */
  readonly showTalk?: boolean;
  /** Told the process id of the command, at once. */
  readonly onStarted?: (pid: number) => void;
}

export class DemoNetwork {
  readonly target: string;
  readonly brokerFolder: string;
  private readonly running: Command[] = [];
  private broker: Command | null = null;
  private readonly hosts = new Map<string, Command>();
  private readonly ports = new Map<string, number>();
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
    this.broker = broker;
    this.joinLink = (await broker.line(/^join link: (peerkeep:\S+)$/))[1]!;
    const create = ['enrolment-key', 'create', '--data-dir', this.brokerFolder, '--uses', '16'];
    this.enrolmentKey = (await Command.run('peerkeep-server', create)).trim();
  }

  async startHosts(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `host-${index + 1}`);
    await Promise.all(names.map((name) => this.startHost(name)));
  }

  /** Returns the recovery phrase. */
  async initClient(): Promise<string> {
    const args = ['init', this.joinLink, '--home', this.home('client'), '--key', this.enrolmentKey, '--json'];
    const made = JSON.parse(await Command.run('peerkeep', args)) as { recovery_phrase: string };
    return made.recovery_phrase;
  }

  get link(): string {
    return this.joinLink;
  }

  /** What lets machines enrol at this network's broker. */
  get key(): string {
    return this.enrolmentKey;
  }

  /** Where the host of this folder listens. */
  hostPort(folder: string): number {
    const port = this.ports.get(folder);
    if (port === undefined) throw new Error(`no host of this network has its home in ${folder}`);
    return port;
  }

  /** End the broker as an operator would; returns its exit code. */
  async stopBroker(): Promise<number | null> {
    return (await this.broker?.end('SIGTERM')) ?? null;
  }

  /** The process id of the broker and of each host that runs. */
  get processes(): ReadonlyMap<string, number> {
    const all: [string, Command][] = [...this.hosts];
    if (this.broker !== null) all.unshift(['broker', this.broker]);
    return new Map(all.map(([name, command]) => [name, command.pid]));
  }

  /** Where each host keeps what it holds. */
  get hostFolders(): string[] {
    return [...this.hosts.keys()].map((name) => this.home(name));
  }

  async backup(source: string, excludes: readonly string[], watching: Watching): Promise<BackupResult> {
    const flags = excludes.flatMap((name) => ['--exclude', name]);
    const args = ['backup', source, '--home', this.home('client'), '--json', ...flags];
    return this.summaryOf<BackupResult>(args, watching);
  }

  /** The latest snapshot, into `target`, on the machine that made it. */
  async restore(watching: Watching): Promise<RestoreResult> {
    return this.restoreAt('client', watching);
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

  async recoverAndRestore(phrase: string, watching: Watching): Promise<RestoreResult> {
    await Command.run('peerkeep', ['recover', this.joinLink, '--home', this.home('new-machine')], {
      input: `${phrase}\n`,
    });
    return this.restoreAt('new-machine', watching);
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

  private restoreAt(home: string, watching: Watching): Promise<RestoreResult> {
    const args = ['restore', 'latest', '--target', this.target, '--home', this.home(home), '--json'];
    return this.summaryOf<RestoreResult>(args, watching);
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
    this.hosts.set(name, host);
    const [, port] = await host.line(/^listening on \S*:(\d+)$/);
    this.ports.set(home, Number(port));
    await host.line(/^online: /);
  }

  /** Run a command that tells its summary last, as one line of JSON. */
  private async summaryOf<T>(args: readonly string[], watching: Watching): Promise<T> {
    const lines = (await Command.run('peerkeep', args, watching)).trimEnd().split('\n');
    return JSON.parse(lines.at(-1)!) as T;
  }
}

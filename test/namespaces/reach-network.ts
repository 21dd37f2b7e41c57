// A network of real programs in namespaces: a broker and relays on an Internet, and machines of LANs behind NAT.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from '../../scripts/demo/built-commands.js';
import { Command } from '../../scripts/demo/command.js';
import { freshScriptOf } from '../built-afresh.js';
import { type LabLan, type LabMachine, NamespaceLab } from './namespace-lab.js';

const BROKER_PORT = 8443;
const RELAY_PORT = 8444;
const AGENT_PORT = 8445;
const REACHED_LOOKS_MAX = 120;

export interface ReachAgent {
  readonly machine: LabMachine;
  readonly home: string;
  readonly peerId: string;
}

export interface ReachRelay {
  readonly machine: LabMachine;
  readonly peerId: string;
  readonly command: Command;
}

/** What `peerkeep-agent status --json` tells, as far as tests read it. */
export interface AgentStatus {
  readonly shards: number;
  readonly usedBytes: number;
  /** `host.reachable`: by whichever way. */
  readonly broker: { readonly host?: { readonly reachable: boolean | null } };
  readonly relay: { readonly relayId: string | null };
}

export class ReachNetwork {
  private readonly running: Command[] = [];
  private hasRelays = false;
  private joinLink = '';
  private key = '';

  private constructor(
    readonly folder: string,
    readonly lab: NamespaceLab,
    readonly broker: LabMachine,
  ) {}

  static async create(policy: object): Promise<ReachNetwork> {
    const lab = await NamespaceLab.create();
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-reach-'));
    const network = new ReachNetwork(folder, lab, await lab.addServer('broker'));
    try {
      await network.startBroker(policy);
    } catch (error) {
      await network.close();
      throw error;
    }
    return network;
  }

  /** A relay with a public address, which the broker has heard of. */
  async addRelay(name: string): Promise<ReachRelay> {
    const machine = await this.lab.addServer(name);
    const key = await this.enrolmentKey('--relay');
    const home = join(this.folder, name);
    await this.run(machine, 'peerkeep-relay', ['enrol', this.joinLink, '--home', home, '--key', key, '--name', name]);
    const place = `${machine.address}:${RELAY_PORT}`;
    const command = this.start(machine, 'peerkeep-relay', [
      'run',
      '--home',
      home,
      '--listen',
      place,
      '--public',
      place,
    ]);
    await command.line(/^online: /);
    this.hasRelays = true;
    return { machine, peerId: await peerIdIn(home), command };
  }

  /** A machine of a LAN with an agent that runs; ready when the broker knows how to reach it. */
  async addAgent(lan: LabLan, number: number, flags: readonly string[] = []): Promise<ReachAgent> {
    const machine = await this.lab.addLanMachine(lan, number);
    const home = join(this.folder, machine.name);
    await mkdir(home, { mode: 0o700 });
    const enrol = ['enrol', this.joinLink, '--home', home, '--share', '2GB', '--key', this.key, '--name', machine.name];
    await this.run(machine, 'peerkeep-agent', enrol);
    const agent = this.start(machine, 'peerkeep-agent', [
      ...['run', '--home', home, '--listen', `0.0.0.0:${AGENT_PORT}`],
      ...flags,
    ]);
    await agent.line(/^online: /);
    const started = { machine, home, peerId: await peerIdIn(home) };
    // Behind NAT nobody is reached without a relay.
    if (this.hasRelays) await this.reached(started);
    return started;
  }

  /** Wait until the broker has reached a machine, by whichever way. */
  private async reached(agent: ReachAgent): Promise<void> {
    for (let i = 0; i < REACHED_LOOKS_MAX; i++) {
      if ((await this.status(agent)).broker.host?.reachable === true) return;
      await pause(500);
    }
    throw new Error(`${agent.machine.name} is not reached`);
  }

  /** Make a machine's home one of a person who backs up; returns it. */
  async initClient(machine: LabMachine): Promise<string> {
    const home = join(this.folder, `${machine.name}-client`);
    await this.run(machine, 'peerkeep', ['init', this.joinLink, '--home', home, '--key', this.key, '--json']);
    return home;
  }

  async status(agent: ReachAgent): Promise<AgentStatus> {
    return JSON.parse(
      await this.run(agent.machine, 'peerkeep-agent', ['status', '--home', agent.home, '--json']),
    ) as AgentStatus;
  }

  /** Returns stdout; rejects unless it ends with 0. */
  run(machine: LabMachine, program: Program, args: readonly string[]): Promise<string> {
    return this.spawn(machine, program, args).finish();
  }

  /** The summary that a command with `--json` tells last. */
  async summaryOf<T>(machine: LabMachine, args: readonly string[]): Promise<T> {
    const lines = (await this.run(machine, 'peerkeep', [...args, '--json'])).trimEnd().split('\n');
    return JSON.parse(lines.at(-1)!) as T;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((command) => command.end('SIGTERM')));
    await this.lab.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async startBroker(policy: object): Promise<void> {
    const dataDir = join(this.folder, 'broker');
    await mkdir(dataDir, { mode: 0o700 });
    await writeFile(join(dataDir, 'policy.json'), JSON.stringify(policy));
    const listen = `${this.broker.address}:${BROKER_PORT}`;
    const broker = this.start(this.broker, 'peerkeep-server', ['start', '--data-dir', dataDir, '--listen', listen]);
    this.joinLink = (await broker.line(/^join link: (peerkeep:\S+)$/))[1]!;
    this.key = await this.enrolmentKey('--uses', '32');
  }

  private async enrolmentKey(...flags: readonly string[]): Promise<string> {
    const create = ['enrolment-key', 'create', '--data-dir', join(this.folder, 'broker'), ...flags];
    return (await this.run(this.broker, 'peerkeep-server', create)).trim();
  }

  private start(machine: LabMachine, program: Program, args: readonly string[]): Command {
    const command = this.spawn(machine, program, args);
    this.running.push(command);
    return command;
  }

  private spawn(machine: LabMachine, program: Program, args: readonly string[]): Command {
    const [file, ...before] = machine.command;
    const script = freshScriptOf(program);
    return Command.startOther(file!, [...before, process.execPath, script, ...args], {}, `${machine.name} ${program}`);
  }
}

async function peerIdIn(home: string): Promise<string> {
  return (JSON.parse(await readFile(join(home, 'peer.json'), 'utf8')) as { peerId: string }).peerId;
}

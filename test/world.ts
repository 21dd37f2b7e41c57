// The whole network in one process on loopback: a broker, hosts and clients, real TLS, real disks, and a clock turned by hand.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import {
  BackupEngine,
  type BackupSummary,
  deriveDataKeys,
  type EngineEvent,
  masterKeyFromPhrase,
  phraseFromMasterKey,
  type RestoreSummary,
  recoveryKeyPair,
} from '#backup';
import { BrokerClient } from '#broker-api';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import { brokerMigrations } from '#migrations/broker/index';
import { type EnrolPeerOptions, enrolPeer, PeerHome, recoveryCredential } from '#peer-home';
import type { LanTuning } from '#peer-link';
import { FakeClock, type Log, openLog } from '#process';
import { type AccountId, type ContentId, type Credit, type PeerId, ProtocolError } from '#protocol';
import type { AgentConfig } from '../apps/peer-agent/src/config.js';
import { BROKER_TIME_STEP_MS } from '../apps/peer-agent/src/limits.js';
import { shardPath } from '../apps/peer-agent/src/shards/shard-path.js';
import { type RunningAgent, startAgent } from '../apps/peer-agent/src/start-agent.js';
import { type Policy, parsePolicy } from '../apps/server/src/config/policy.js';
import { type RunningBroker, startBroker } from '../apps/server/src/start-broker.js';
import { DatabasesBeside } from './beside.js';

export interface WorldOptions {
  readonly hosts?: number;
  readonly shareBytes?: number;
  /** Fields of the broker's policy, as policy.json has them. */
  readonly policy?: Record<string, unknown>;
  /** The broker tells the answers of its CAPTCHA, for people who register. */
  readonly testMode?: boolean;
  /** How long ago the world begins: its clock may be moved on by so much, and in all by less than a certificate lives. */
  readonly behindMs?: number;
  /** What broker, hosts and clients log to; nobody hears them without it. */
  readonly log?: Log;
}

const SHARE_BYTES = 2_000_000_000;
/** TLS judges certificates by the machine's clock: those made after the world's clock was moved on must be valid too. */
const BEHIND_MS = 12 * 60 * 60_000;

export class World {
  readonly hosts: WorldHost[] = [];
  readonly databases = new DatabasesBeside();
  private readonly clients: WorldClient[] = [];
  private runningBroker!: RunningBroker;

  private constructor(
    readonly folder: string,
    readonly clock: FakeClock,
    readonly log: Log,
    private readonly policy: Policy,
    private readonly testMode: boolean,
  ) {}

  /** A broker and `hosts` hosts that it knows to be online. */
  static async create({
    hosts = 6,
    shareBytes = SHARE_BYTES,
    policy = {},
    testMode = false,
    behindMs = BEHIND_MS,
    log = openLog('world', 'silent'),
  }: WorldOptions = {}): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-world-'));
    const clock = new FakeClock(Date.now() - behindMs);
    const world = new World(folder, clock, log, parsePolicy(policy), testMode);
    await world.startBroker(0);
    for (let i = 0; i < hosts; i++) await world.addHost(shareBytes);
    return world;
  }

  get broker(): RunningBroker {
    return this.runningBroker;
  }

  /** Start the broker on its data directory: at first on any port, later on the one that peers know. */
  async startBroker(port = this.runningBroker.port): Promise<void> {
    const config = {
      dataDir: this.dataDir,
      listen: { host: '127.0.0.1', port },
      trustDomain: null,
      policy: this.policy,
      testMode: this.testMode,
    };
    this.runningBroker = await startBroker(config, { clock: this.clock, log: this.log });
  }

  /** Enrol a machine; by an enrolment key unless a credential is given. A new account unless one is named. */
  async enrol(
    name: string,
    options: { account?: AccountId; credential?: EnrolPeerOptions['credential'] } = {},
  ): Promise<PeerHome> {
    let credential = options.credential;
    if (credential === undefined) {
      const { key } = await this.broker.createEnrolmentKey({ accountId: options.account ?? null });
      credential = { kind: 'enrolment-key', key };
    }
    const enrolled = await enrolPeer({ joinLink: this.broker.joinLink, name, credential });
    return PeerHome.create(join(this.folder, name), enrolled);
  }

  async addHost(shareBytes = SHARE_BYTES, settings: HostSettings = {}, account?: AccountId): Promise<WorldHost> {
    const home = await this.enrol(`host-${this.hosts.length + 1}`, account === undefined ? {} : { account });
    await home.setShare(shareBytes);
    const host = new WorldHost(this, home, settings);
    await host.start();
    this.hosts.push(host);
    return host;
  }

  /** A machine with a master key of its own, registered with the broker. */
  async addClient(name = `client-${this.clients.length + 1}`, account?: AccountId): Promise<WorldClient> {
    const home = await this.enrol(name, account === undefined ? {} : { account });
    const masterKey = randomBytes(32);
    await home.saveMasterKey(masterKey);
    const { publicKey } = recoveryKeyPair(deriveDataKeys(masterKey).recoverySeed);
    await this.askBroker({ home }, (broker) => broker.setRecoveryKey(publicKey));
    return this.openClient(home);
  }

  /** A new machine that knows nothing but the recovery phrase. */
  async recoverClient(phrase: string, name = `recovered-${this.clients.length + 1}`): Promise<WorldClient> {
    const masterKey = masterKeyFromPhrase(phrase);
    const recovery = recoveryKeyPair(deriveDataKeys(masterKey).recoverySeed);
    const home = await this.enrol(name, {
      credential: recoveryCredential({ ...recovery, nowMs: this.clock.nowMs() }),
    });
    await home.saveMasterKey(masterKey);
    return this.openClient(home);
  }

  /** Let hosts tell the broker what they have to tell. */
  async settle(): Promise<void> {
    for (const host of this.hosts) if (host.isRunning) await host.agent.triggers.reports();
  }

  /** Let so much time pass, and the hosts that run say that they are there: the others have fallen silent. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (const host of this.hosts) if (host.isRunning) await host.agent.triggers.presence();
  }

  /** What broker.db holds, read beside the running broker. */
  async brokerRows<T>(sql: string, parameters: readonly (string | number)[] = []): Promise<T[]> {
    return this.databases.rows(
      { file: join(this.dataDir, 'broker.db'), migrations: brokerMigrations },
      sql,
      parameters,
    );
  }

  /** Ask the broker as a machine, by a client of its own that knows no more of the broker's time than the clock. */
  async askBroker<T>(of: { readonly home: PeerHome }, ask: (broker: BrokerClient) => Promise<T>): Promise<T> {
    const broker = new BrokerClient({ home: of.home, clock: this.clock, log: this.log });
    try {
      return await ask(broker);
    } finally {
      await broker.close();
    }
  }

  /** The credit of a machine's account. */
  async creditOf(of: { readonly home: PeerHome }): Promise<Record<keyof Credit, bigint>> {
    const { credit } = await this.askBroker(of, (broker) => broker.peerStatus());
    const { available, reserved, used, withheld } = credit;
    return {
      available: BigInt(available),
      reserved: BigInt(reserved),
      used: BigInt(used),
      withheld: BigInt(withheld),
    };
  }

  get dataDir(): string {
    return join(this.folder, 'broker');
  }

  hostOf(peerId: PeerId): WorldHost {
    const host = this.hosts.find((candidate) => candidate.peerId === peerId);
    if (host === undefined) throw new Error('no host of this world');
    return host;
  }

  /** Write files under the world's folder; returns the folder that holds them. */
  async writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    const root = join(this.folder, folder);
    await mkdir(root, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), content);
    }
    return root;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async close(): Promise<void> {
    for (const client of this.clients) await client.close();
    for (const host of this.hosts) await host.kill();
    await this.broker.kill();
    await this.databases.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async openClient(home: PeerHome): Promise<WorldClient> {
    const client = new WorldClient(this, home);
    await client.open();
    this.clients.push(client);
    return client;
  }
}

/** What an agent is told at its start, beside its home and its listener. */
export type HostSettings = Omit<AgentConfig, 'homePath' | 'homeKey' | 'listen'> & Partial<Pick<AgentConfig, 'listen'>>;

export class WorldHost {
  private running: RunningAgent | null = null;

  constructor(
    private readonly world: World,
    readonly home: PeerHome,
    private readonly settings: HostSettings,
  ) {}

  get peerId(): PeerId {
    return this.home.identity.peerId;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  get agent(): RunningAgent {
    if (this.running === null) throw new Error('this host is down');
    return this.running;
  }

  /** Start, and tell the broker, unless it is down: so long after the start that any token from then on is later. */
  async start({ tellBroker = true, port = 0, lan = this.settings.lan ?? null } = {}): Promise<void> {
    const { clock, log } = this.world;
    const config = { homePath: this.home.path, listen: { host: '127.0.0.1', port }, ...this.settings, lan };
    this.running = await startAgent(config, { clock, log });
    if (!tellBroker) return;
    clock.advance(BROKER_TIME_STEP_MS);
    await this.running.triggers.presence();
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  async kill(): Promise<void> {
    await this.running?.kill();
    this.running = null;
  }

  get shardFolder(): string {
    return join(this.home.path, 'shards');
  }

  /** Everything that lies under the shard folder, left-overs too: paths below it, sorted. */
  async shardFiles(): Promise<string[]> {
    const entries = await readdir(this.shardFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return files.map((file) => relative(this.shardFolder, join(file.parentPath, file.name))).sort();
  }

  /** Turn one bit in the middle of a stored shard, as a disk that rots. */
  async damage(cid: ContentId): Promise<void> {
    const { file } = shardPath(this.shardFolder, cid);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file, bytes);
  }

  /** What agent.db holds, read beside the agent. */
  async rows<T>(sql: string, parameters: readonly (string | number)[] = []): Promise<T[]> {
    return this.world.databases.rows(
      { file: join(this.home.path, 'agent.db'), migrations: AGENT_MIGRATIONS },
      sql,
      parameters,
    );
  }
}

export class WorldClient {
  readonly events: EngineEvent[] = [];
  private opened: BackupEngine | null = null;

  constructor(
    private readonly world: World,
    readonly home: PeerHome,
  ) {}

  get engine(): BackupEngine {
    if (this.opened === null) throw new Error('this client is closed');
    return this.opened;
  }

  get peerId(): PeerId {
    return this.home.identity.peerId;
  }

  async phrase(): Promise<string> {
    return phraseFromMasterKey(await this.home.masterKey());
  }

  /** lan: how it asks neighbours on the local network, if it does */
  async open(lan: LanTuning | null = null): Promise<void> {
    const { clock, log } = this.world;
    this.opened = await BackupEngine.open({ home: this.home, clock, log, lan });
  }

  async close(): Promise<void> {
    await this.opened?.close();
    this.opened = null;
  }

  /** Empty the cache of sealed objects, so that snapshots and folders come from hosts again. */
  async dropCachedObjects(): Promise<void> {
    await rm(join(this.home.path, 'client', 'cache', 'objects'), { recursive: true, force: true });
  }

  async backup(...paths: string[]): Promise<BackupSummary> {
    return this.engine.backup({ paths, excludes: [], ...this.running() });
  }

  async restore(target: string, snapshot = 'latest', includes: string[] = []): Promise<RestoreSummary> {
    return this.engine.restore({ snapshot, target, includes, ...this.running() });
  }

  /** A signal that nobody raises, and a list of what is told; a test that stops a call brings its own signal. */
  running(signal = new AbortController().signal): { signal: AbortSignal; onEvent: (event: EngineEvent) => void } {
    return { signal, onEvent: (event) => this.events.push(event) };
  }
}

/** The code that a call is refused with; fails the test when it is not refused. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  throw new Error('it was not refused');
}

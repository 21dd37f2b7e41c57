// A host for tests: a real agent on loopback, a broker that takes its reports over real TLS, tokens, and raw requests.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpsRequest, type RequestOptions, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { type Database, openDatabase } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import type { PeerHome } from '#peer-home';
import { type Clock, FakeClock, type ListenAddress, openLog } from '#process';
import {
  ALPN_SHARDS,
  type ContentId,
  contentIdOf,
  formatTime,
  isRefusal,
  type KeepFilterAnswer,
  type KeepFilterRequest,
  PROBLEM_CONTENT_TYPE,
  type PresenceAnswer,
  type PresenceRequest,
  ProtocolError,
  problemFrom,
  type RelayAttachmentAnswer,
  type RelayAttachmentRequest,
  type RelayPresenceRequest,
  type RelayUsageRequest,
  type Report,
  readRequestSignature,
  type SigningKey,
  sealToken,
  signAnswer,
  type TokenClaims,
  type TokenOp,
  type TransactionId,
  TransactionKey,
  uuidV7,
  verifyRequest,
} from '#protocol';
import type { AgentConfig } from '../apps/peer-agent/src/config.js';
import { BROKER_TIME_STEP_MS } from '../apps/peer-agent/src/limits.js';
import { type RunningAgent, startAgent } from '../apps/peer-agent/src/start-agent.js';
import { decideHome, type KnownRun } from '../apps/server/src/presence/decide-home.js';
import { TestAuthority, type TestIdentity } from './authority.js';
import { createHome, peerIdOf } from './peer-fixture.js';

export const HOST_ID = peerIdOf(1);
export const CLIENT_ID = peerIdOf(2);
export const SHARE_BYTES = 100_000_000;

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: Uint8Array;
  /** Sent as it is; absent: the length of the body. null: chunked. */
  readonly contentLength?: number | null;
  readonly identity?: TestIdentity;
  readonly headers?: Readonly<Record<string, string>>;
}

export class AgentFixture {
  agent!: RunningAgent;
  /** What it is told from the next start on, beside its home and its listener. */
  settings: Pick<AgentConfig, 'relay' | 'lan'> = {};
  /** From the next start on it tells its figures here. */
  metrics: ListenAddress | null = null;

  private constructor(
    readonly clock: FakeClock,
    readonly authority: TestAuthority,
    readonly broker: TestBroker,
    readonly home: PeerHome,
    readonly transactionKey: TransactionKey,
    readonly client: TestIdentity,
  ) {}

  /** A host that runs and knows the broker's time; that is the machine's at first, and moves by hand. */
  static async start(): Promise<AgentFixture> {
    const clock = new FakeClock(Date.now());
    const authority = await TestAuthority.create();
    const transactionKey = new TransactionKey(randomBytes(32));
    const broker = await TestBroker.start(authority, transactionKey, clock);
    const home = await createHome(authority, { peerId: HOST_ID, transactionKey, brokerPort: broker.port });
    await home.setShare(SHARE_BYTES);
    const client = await authority.issue(CLIENT_ID);
    const fixture = new AgentFixture(clock, authority, broker, home, transactionKey, client);
    await fixture.restart();
    await fixture.outliveStart();
    return fixture;
  }

  /** After a clean stop the host is at once as it was, as soon as the broker has confirmed that its home is the newest. */
  async restart(): Promise<void> {
    const listen = { host: '127.0.0.1', port: 0 };
    const wasStopped = await this.wasStoppedCleanly();
    const refusals = this.broker.homesRefused;
    this.agent = await startAgent(
      { homePath: this.home.path, listen, metrics: this.metrics, ...this.settings },
      { clock: this.clock, log: openLog('test', 'silent') },
    );
    if (!wasStopped || this.broker.isDown) return;
    await Promise.race([this.agent.noticed, this.broker.refusedAfter(refusals)]);
  }

  private async wasStoppedCleanly(): Promise<boolean> {
    if (!existsSync(join(this.home.path, 'agent.db'))) return false;
    const rows = await this.read((reads) =>
      reads.query<{ clean_stop: number }[]>('SELECT clean_stop FROM agent_state'),
    );
    return rows[0]?.clean_stop === 1;
  }

  /** A host that knows of no clean stop takes tokens that are surely later than its start, by the broker's whole seconds. */
  async outliveStart(): Promise<void> {
    this.clock.advance(BROKER_TIME_STEP_MS);
    await this.agent.triggers.presence();
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    await this.broker.stop();
  }

  claims(op: TokenOp, bytes: Uint8Array, change: Partial<TokenClaims> = {}): TokenClaims {
    const nowMs = this.clock.nowMs();
    return {
      trustDomain: this.authority.trustDomain,
      hostId: HOST_ID,
      clientId: CLIENT_ID,
      transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      issuedAtMs: nowMs,
      notBeforeMs: nowMs,
      expiresAtMs: nowMs + 10 * 60_000,
      op,
      items: [{ cid: contentIdOf(bytes), sizeBytes: bytes.length }],
      ...change,
    };
  }

  seal(claims: TokenClaims, key = this.transactionKey): string {
    return sealToken(key, claims, randomBytes(32));
  }

  token(op: TokenOp, bytes: Uint8Array, change: Partial<TokenClaims> = {}): string {
    return this.seal(this.claims(op, bytes, change));
  }

  put(bytes: Uint8Array, token = this.token('put', bytes), change: Partial<RawRequest> = {}): Promise<RawAnswer> {
    return this.send({ method: 'PUT', path: pathOf(contentIdOf(bytes)), token, body: bytes, ...change });
  }

  get(bytes: Uint8Array, token = this.token('get', bytes)): Promise<RawAnswer> {
    return this.send({ method: 'GET', path: pathOf(contentIdOf(bytes)), token });
  }

  /** One exchange on a connection of its own; rejects when the connection ends before the answer does. */
  send(raw: RawRequest): Promise<RawAnswer> {
    const { identity = this.client, body = new Uint8Array() } = raw;
    const length = raw.contentLength === undefined ? body.length : raw.contentLength;
    return new Promise((resolve, reject) => {
      // The types of node:https leave ALPN out; node:tls takes it from here.
      const options: RequestOptions & ConnectionOptions = {
        host: '127.0.0.1',
        port: this.agent.port,
        method: raw.method ?? 'GET',
        path: raw.path,
        agent: false,
        key: identity.privateKeyPem,
        cert: identity.certificatePem,
        ca: this.authority.caPem,
        checkServerIdentity: () => undefined,
        ALPNProtocols: [ALPN_SHARDS],
        headers: {
          ...(raw.token === undefined ? {} : { authorization: `Peerkeep ${raw.token}` }),
          ...((raw.method ?? 'GET') === 'GET' ? {} : lengthOrChunked(length)),
          ...raw.headers,
        },
      };
      const request = httpsRequest(options, (answer) => collect(answer).then(resolve, reject));
      // An answer that came before the body was sent counts; without one the error stands.
      request.on('error', reject);
      request.end(body.length === 0 ? undefined : body);
    });
  }

  /** What agent.db holds, read beside the running agent. */
  async read<T>(query: (reads: Database['reads']) => Promise<T>): Promise<T> {
    const file = join(this.home.path, 'agent.db');
    const database = await openDatabase({ file, entities: [], migrations: AGENT_MIGRATIONS });
    try {
      return await query(database.reads);
    } finally {
      await database.close();
    }
  }
}

export function pathOf(cid: ContentId): string {
  return `/shards/${cid}`;
}

export function codeOf(answer: RawAnswer): unknown {
  return (JSON.parse(answer.body.toString('utf8')) as { code?: unknown }).code;
}

export function receiptOf(answer: RawAnswer): string {
  return (JSON.parse(answer.body.toString('utf8')) as { receipt: string }).receipt;
}

/** Without either, node:http would declare the length of a body that it is given at once. */
function lengthOrChunked(length: number | null): Record<string, string | number> {
  return length === null ? { 'transfer-encoding': 'chunked' } : { 'content-length': length };
}

async function collect(answer: IncomingMessage): Promise<RawAnswer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: Buffer.concat(pieces),
    trailers: answer.trailers as Record<string, string>,
  };
}

/** A broker that verifies the host's signatures, signs its answers, and keeps what it is told. */
export class TestBroker {
  readonly reports: Report[] = [];
  readonly presences: PresenceRequest[] = [];
  /** What the host said that it has no more. */
  readonly losses: ContentId[] = [];
  isDown = false;
  /** The run of the host's home that it acknowledged last. */
  acknowledged: KnownRun | null = null;
  /** What it says that the host should hold. */
  keepFilterOf: (request: KeepFilterRequest) => KeepFilterAnswer = () => {
    throw new ProtocolError('route_unknown');
  };
  /** By which it signs leases. */
  signingKeys: readonly SigningKey[] = [];
  /** Under which relays serve names. */
  relayDomain: string | null = null;
  /** What a relay told it: that it is there, and the bytes by lease. */
  readonly relayPresences: RelayPresenceRequest[] = [];
  readonly relayUsage = new Map<string, number>();
  drainsRelay = false;
  /** Which relay it names for the host. */
  relayFor: (request: RelayAttachmentRequest) => RelayAttachmentAnswer = () => {
    throw new ProtocolError('relay_unavailable');
  };
  /** What it says of how the host is reached. */
  reached: Pick<PresenceAnswer, 'reachable' | 'direct'> = { reachable: null, direct: null };
  /** Whose tokens it says are withdrawn. */
  withdrawn: PresenceAnswer['withdrawn'] = { clients: [], issuedBefore: null };
  /** How often it said home_restored. */
  homesRefused = 0;
  /** Its answers do not arrive, though it does what is asked. */
  losesAnswers = false;
  private readonly refusalWaiters: (() => void)[] = [];
  /** What it says to a report. */
  resultOf: (report: Report) => string = () => 'recorded';

  private constructor(
    private readonly server: Server,
    private readonly key: TransactionKey,
    private readonly clock: Clock,
  ) {}

  static async start(authority: TestAuthority, key: TransactionKey, clock: Clock): Promise<TestBroker> {
    const identity = await authority.issue('broker');
    const server = createServer({
      key: identity.privateKeyPem,
      cert: identity.certificatePem,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
    });
    const broker = new TestBroker(server, key, clock);
    server.on('request', (request, response) => broker.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return broker;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { body } = await collect(request);
    if (this.isDown) {
      request.socket.destroy();
      return;
    }
    const claimed = readRequestSignature(request.headers);
    const targetUri = `https://127.0.0.1:${this.port}${request.url}`;
    const nowMs = this.clock.nowMs();
    let status = 200;
    let answer: unknown;
    try {
      verifyRequest(claimed, { method: request.method ?? '', targetUri, body, key: this.key, nowMs });
      answer = this.answer(request.url, body.length === 0 ? null : JSON.parse(body.toString('utf8')));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // Signed, so that a peer with a wrong clock learns the time from it.
      [status, answer] = [error.status, problemFrom(error)];
    }
    if (this.losesAnswers) {
      request.socket.destroy();
      return;
    }
    const bytes = Buffer.from(JSON.stringify(answer));
    const signed = signAnswer({ status, body: bytes, request: claimed, key: this.key, nowMs });
    response.writeHead(status, {
      ...signed,
      'content-type': status === 200 ? 'application/json' : PROBLEM_CONTENT_TYPE,
    });
    response.end(bytes);
  }

  /** Resolves when one more home than `count` has been refused. */
  async refusedAfter(count: number): Promise<void> {
    if (this.homesRefused <= count) await new Promise<void>((resolve) => this.refusalWaiters.push(resolve));
  }

  /** As the real broker does. */
  private acknowledge({ home }: PresenceRequest): number | null {
    if (home === null || home === undefined) return null;
    const decision = decideHome(this.acknowledged, home);
    if (decision.ok) {
      this.acknowledged = decision.next;
      return decision.next.epoch;
    }
    this.homesRefused++;
    for (const wake of this.refusalWaiters.splice(0)) wake();
    throw new ProtocolError(decision.code);
  }

  private answer(path: string | undefined, body: unknown): unknown {
    if (path === '/v1/reports') {
      const { reports } = body as { reports: Report[] };
      this.reports.push(...reports);
      return { results: reports.map((report) => this.resultOf(report)) };
    }
    if (path === '/v1/losses') {
      this.losses.push(...(body as { cids: ContentId[] }).cids);
      return {};
    }
    if (path === '/v1/network') {
      const names = { publicName: null, relayDomain: this.relayDomain };
      return { time: formatTime(this.clock.nowMs()), signingKeys: this.signingKeys, lanKeys: [], ...names };
    }
    if (path === '/v1/relays/presence') {
      this.relayPresences.push(body as RelayPresenceRequest);
      const due = { renewCertificate: false, renewTransactionKey: false, isDrained: this.drainsRelay };
      return { time: formatTime(this.clock.nowMs()), nextPresenceMs: 10_000, ...due };
    }
    if (path === '/v1/relays/usage') {
      const { items } = body as RelayUsageRequest;
      for (const { lease, bytes } of items) this.relayUsage.set(lease, bytes);
      return { taken: items.length, refused: [] };
    }
    if (path === '/v1/relay-attachments') return this.relayFor(body as RelayAttachmentRequest);
    if (path === '/v1/keep-filter') return this.keepFilterOf(body as KeepFilterRequest);
    if (path === '/v1/peers/me') {
      const credit = { available: '0', reserved: '0', used: '0', withheld: '0' };
      const ids = { peerId: HOST_ID, accountId: HOST_ID, name: 'laptop' };
      return { ...ids, online: true, storedShards: 0, storedBytes: 0, credit };
    }
    this.presences.push(body as PresenceRequest);
    return {
      epoch: this.acknowledge(body as PresenceRequest),
      time: formatTime(this.clock.nowMs()),
      nextPresenceMs: 60_000,
      address: null,
      renewCertificate: false,
      renewTransactionKey: false,
      withdrawn: this.withdrawn,
      ...this.reached,
    };
  }
}

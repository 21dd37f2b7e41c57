// A relay on loopback with peers that attach themselves, clients that reach them, and leases of any kind, right or wrong.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect as netConnect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket, connect as tlsConnect } from 'node:tls';
import { connectTrusted, type PeerHome } from '#peer-home';
import {
  ATTACHMENT_PATH,
  type AttachmentRole,
  BULK_PATH,
  FROM_HEADER,
  RelayDialer,
  TUNNEL_OPTIONS,
  widen,
} from '#peer-link';
import { FakeClock, type ListenAddress, openLog } from '#process';
import {
  ALPN_RELAY,
  ALPN_SHARDS,
  encodeBase64url,
  encodeLease,
  es256Signer,
  type LeaseClaims,
  type LeaseId,
  type PeerId,
  type RelayWay,
  type Requester,
  type SigningKey,
  type StatementSigner,
  signingKid,
  TransactionKey,
  uuidV7,
} from '#protocol';
import type { WebConfig } from '../apps/relay/src/config.js';
import { type RunningRelay, startRelay } from '../apps/relay/src/start-relay.js';
import { TestBroker } from './agent-fixture.js';
import { TestAuthority, type TestIdentity } from './authority.js';
import { eventually } from './eventually.js';
import { createHome, peerIdOf } from './peer-fixture.js';

export const RELAY_ID = peerIdOf(90);
export const HOST_ID = peerIdOf(1);
export const CLIENT_ID = peerIdOf(2);

const HOUR_MS = 3_600_000;
const STEP_MS = 5_000;
const CODES = { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' } as const;

export interface SigningPair {
  readonly signer: StatementSigner;
  readonly key: SigningKey;
}

export function makeSigningPair(): SigningPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const kid = signingKid(spki);
  return {
    signer: { kid, sign: es256Signer(privateKey) },
    key: { kid, use: 'lease', publicKey: encodeBase64url(spki) },
  };
}

export interface RelaySettings {
  readonly peersMax?: number;
  readonly metrics?: ListenAddress;
  /** Lets visitors' browsers in, under this domain. */
  readonly web?: WebConfig & { readonly domain: string };
}

export class RelayFixture {
  relay!: RunningRelay;
  private readonly hosts: AttachedHost[] = [];
  private readonly dialers: RelayDialer[] = [];

  private constructor(
    readonly clock: FakeClock,
    readonly authority: TestAuthority,
    readonly broker: TestBroker,
    readonly home: PeerHome,
    readonly signing: SigningPair,
  ) {}

  static async start(settings: RelaySettings = {}): Promise<RelayFixture> {
    const clock = new FakeClock(Date.now());
    const authority = await TestAuthority.create();
    const transactionKey = new TransactionKey(randomBytes(32));
    const broker = await TestBroker.start(authority, transactionKey, clock);
    const signing = makeSigningPair();
    broker.signingKeys = [signing.key];
    broker.relayDomain = settings.web?.domain ?? null;
    const home = await createHome(authority, { peerId: RELAY_ID, transactionKey, brokerPort: broker.port });
    const fixture = new RelayFixture(clock, authority, broker, home, signing);
    const listen = { host: '127.0.0.1', port: 0 };
    const config = { homePath: home.path, listen, publicAddress: listen, ...settings };
    fixture.relay = await startRelay(config, { clock, log: openLog('test', 'silent') });
    await fixture.relay.triggers.network();
    await fixture.relay.noticed;
    return fixture;
  }

  async stop(): Promise<void> {
    for (const dialer of this.dialers) dialer.close();
    for (const host of this.hosts) host.destroy();
    await this.relay.kill();
    await this.broker.stop();
  }

  claims(kind: LeaseClaims['kind'], change: Partial<LeaseClaims> = {}): LeaseClaims {
    const nowMs = this.clock.nowMs();
    return {
      trustDomain: this.authority.trustDomain,
      leaseId: uuidV7<LeaseId>(nowMs, randomBytes(10)),
      kind,
      relayId: RELAY_ID,
      subject: kind === 'serve' ? HOST_ID : CLIENT_ID,
      peerId: HOST_ID,
      name: null,
      web: false,
      bytesMax: 1e12,
      bytesPerSecondMax: 1e12,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + HOUR_MS,
      ...change,
    };
  }

  lease(kind: LeaseClaims['kind'], change: Partial<LeaseClaims> = {}, signer = this.signing.signer): string {
    return encodeLease(this.claims(kind, change), signer);
  }

  way(lease = this.lease('reach')): RelayWay {
    return { relayId: RELAY_ID, address: '127.0.0.1', port: this.relay.port, lease, isOnlyWay: true };
  }

  /** A host that attaches itself; resolves when the relay knows it, or has hung up. */
  async attach(peerId: PeerId = HOST_ID, lease?: string): Promise<AttachedHost> {
    const host = await AttachedHost.create(this, peerId, lease ?? this.lease('serve', { subject: peerId, peerId }));
    this.hosts.push(host);
    await host.dial('control');
    await eventually(() => this.relay.peers.find(peerId) !== null || host.open('control') === 0);
    return host;
  }

  /** Let time pass, in steps after each of which every end has answered the pings of the others. */
  async pass(ms: number): Promise<void> {
    const invalid = this.way(this.lease('reach', {}, makeSigningPair().signer));
    for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
      this.clock.advance(Math.min(leftMs, STEP_MS));
      // What is answered at second was sent when the first had arrived, and so had the pings before it.
      for (let round = 0; round < 2; round++) {
        await Promise.all(this.hosts.map((host) => host.ping()));
        await Promise.all(this.dialers.map((dialer) => dialer.open(invalid, HOST_ID).catch(() => undefined)));
      }
    }
  }

  async dialer(peerId: Requester = CLIENT_ID): Promise<RelayDialer> {
    const dialer = new RelayDialer({ identity: await this.identity(peerId), clock: new FakeClock(0) });
    this.dialers.push(dialer);
    return dialer;
  }

  async identity(peerId: Requester, issued?: TestIdentity) {
    const own = issued ?? (await this.authority.issue(peerId));
    return { caPem: this.authority.caPem, trustDomain: this.authority.trustDomain, own: () => own };
  }

  /** The end-to-end TLS of a client over a stream of the relay. */
  async innerTls(stream: Duplex, peerId: Requester = CLIENT_ID): Promise<TLSSocket> {
    const own = await this.authority.issue(peerId);
    const socket = tlsConnect({
      socket: stream,
      ca: [this.authority.caPem],
      cert: own.certificatePem,
      key: own.privateKeyPem,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_SHARDS],
      checkServerIdentity: () => undefined,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }
}

/** What a host does with a stream that was opened to it. */
export type StreamUse = (stream: ServerHttp2Stream) => void;

export class AttachedHost {
  /** Streams that the relay opened here, and who it said wants them. */
  readonly streams: ServerHttp2Stream[] = [];
  readonly from: unknown[] = [];
  receivedBytes = 0;
  /** Sends back what it gets, as long as the test does not say something else. */
  use: StreamUse = (stream) => stream.pipe(stream);
  /** Answers what visitors ask. */
  visit: ((stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void) | null = null;
  /** Opens a bulk connection when it is asked for one. */
  dialsBulk = true;
  /** Why the relay hung up, by its GOAWAY. */
  readonly goodbyes: string[] = [];
  attachments = 0;
  /** From here on nothing arrives from the relay, and nothing goes there, and no connection ends. */
  isFrozen = false;
  readonly sessions: {
    readonly role: AttachmentRole;
    readonly session: ServerHttp2Session;
  }[] = [];

  private constructor(
    private readonly fixture: RelayFixture,
    readonly peerId: PeerId,
    readonly identity: TestIdentity,
    /** What it shows when it is asked. */
    public lease: string,
  ) {}

  static async create(fixture: RelayFixture, peerId: PeerId, lease: string): Promise<AttachedHost> {
    return new AttachedHost(fixture, peerId, await fixture.authority.issue(peerId), lease);
  }

  /** Resolves when the relay has asked for the lease, or hung up. */
  async dial(role: AttachmentRole): Promise<void> {
    const { authority, relay } = this.fixture;
    const { trustDomain, caPem } = authority;
    const own = () => this.identity;
    const expected = { trustDomain, subject: RELAY_ID };
    const dial = (address: string, port: number) => this.line(address, port);
    const options = { caPem, expected, alpn: ALPN_RELAY, own, codes: CODES, dial };
    const socket = await connectTrusted(options, { host: '127.0.0.1', port: relay.port });
    const settings = { ...TUNNEL_OPTIONS.settings, enableConnectProtocol: true };
    const session = performServerHandshake(socket, { ...TUNNEL_OPTIONS, settings });
    widen(session);
    this.sessions.push({ role, session });
    const asked = this.attachments;
    session.on('error', () => session.destroy());
    session.on('goaway', (_code, _last, why) => this.goodbyes.push(why?.toString() ?? ''));
    session.on('stream', (stream, headers) => {
      stream.on('error', () => stream.destroy());
      if (headers[':path'] === ATTACHMENT_PATH) this.showLease(stream, role);
      else if (headers[':path'] === BULK_PATH) this.openBulk(stream);
      else if (headers['peerkeep-visit'] !== undefined && this.visit !== null) this.visit(stream, headers);
      else this.take(stream, headers[FROM_HEADER]);
    });
    await eventually(() => this.attachments > asked || session.destroyed);
  }

  async ping(): Promise<void> {
    if (this.isFrozen) return;
    const open = this.sessions.filter(({ session }) => !session.destroyed && !session.closed);
    await Promise.all(open.map(({ session }) => new Promise((resolve) => session.ping(resolve))));
  }

  destroy(): void {
    for (const { session } of this.sessions) session.destroy();
  }

  open(role: AttachmentRole): number {
    return this.sessions.filter(({ role: own, session }) => own === role && !session.destroyed && !session.closed)
      .length;
  }

  private line(address: string, port: number): Promise<Duplex> {
    const socket: Socket = netConnect(port, address);
    const line = new Duplex({
      read: () => undefined,
      write: (piece: Buffer, _encoding, done) => {
        if (this.isFrozen) done();
        else socket.write(piece, done);
      },
      final: (done) => socket.end(done),
      destroy: (error, done) => {
        socket.destroy();
        done(error);
      },
    });
    socket.on('data', (piece) => {
      if (!this.isFrozen) line.push(piece);
    });
    socket.on('error', () => line.destroy());
    socket.once('end', () => line.push(null));
    socket.once('close', () => line.destroy());
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(line));
      line.once('close', () => reject(new Error('no connection')));
    });
  }

  private showLease(stream: ServerHttp2Stream, role: AttachmentRole): void {
    stream.resume();
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify({ lease: this.lease, role }));
    this.attachments++;
  }

  private openBulk(stream: ServerHttp2Stream): void {
    stream.resume();
    stream.respond({ ':status': 200 });
    stream.end('{}');
    if (this.dialsBulk) void this.dial('bulk');
  }

  private take(stream: ServerHttp2Stream, from: unknown): void {
    this.streams.push(stream);
    this.from.push(from);
    stream.respond({ ':status': 200 });
    stream.on('data', (piece: Buffer) => {
      this.receivedBytes += piece.length;
    });
    stream.pause();
    this.use(stream);
  }
}

/** What a client sends is answered by the same, inside TLS that the relay cannot read. */
export function echoInTls({ certificatePem, privateKeyPem }: TestIdentity, caPem: string): StreamUse {
  return (stream) => {
    const socket = new TLSSocket(stream, {
      isServer: true,
      cert: certificatePem,
      key: privateKeyPem,
      ca: [caPem],
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_SHARDS],
    });
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  };
}

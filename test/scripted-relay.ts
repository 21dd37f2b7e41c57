// A relay on loopback that does what a test says: real mutual TLS, HTTP/2 as its client on connections that peers dialled.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import {
  ATTACHMENT_PATH,
  type AttachmentAnswer,
  type AttachmentRole,
  BULK_PATH,
  FROM_HEADER,
  TUNNEL_OPTIONS,
} from '#peer-link';
import { ALPN_RELAY, type PeerId, spiffeIdOfAltNames } from '#protocol';
import type { TestAuthority } from './authority.js';

export interface RelayAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Attached {
  readonly session: ClientHttp2Session;
  readonly peerId: string;
  readonly answer: AttachmentAnswer;
}

export class ScriptedRelay {
  /** Connections in the order in which they were attached. */
  readonly attached: Attached[] = [];
  /** Accepts, and asks nothing. */
  isSilent = false;
  /** What it says its id is. */
  saysId: PeerId;
  private readonly sockets = new Set<TLSSocket>();
  private readonly raw = new Set<Socket>();
  private waiters: (() => void)[] = [];

  private constructor(
    readonly relayId: PeerId,
    private readonly server: Server,
  ) {
    this.saysId = relayId;
    server.on('connection', (socket: Socket) => {
      this.raw.add(socket);
      socket.once('close', () => this.raw.delete(socket));
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => this.sockets.delete(socket));
      if (!this.isSilent) void this.attach(socket);
    });
  }

  static async start(authority: TestAuthority, relayId: PeerId): Promise<ScriptedRelay> {
    const { certificatePem, privateKeyPem } = await authority.issue(relayId);
    const server = createServer({
      key: privateKeyPem,
      cert: certificatePem,
      ca: authority.caPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_RELAY],
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedRelay(relayId, server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that stand. */
  get connections(): number {
    return this.sockets.size;
  }

  standing(role: AttachmentRole): Attached[] {
    return this.attached.filter(({ answer, session }) => answer.role === role && !session.destroyed);
  }

  /** Resolves when so many connections of a role have been attached, ever. */
  async whenAttached(role: AttachmentRole, count: number): Promise<void> {
    while (this.attached.filter(({ answer }) => answer.role === role).length < count) {
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  /** Another question about the lease, on the newest control connection. */
  async askAgain(): Promise<AttachmentAnswer> {
    const { session } = this.standing('control').at(-1)!;
    return JSON.parse((await this.post(session, ATTACHMENT_PATH, { relayId: this.saysId })).body) as AttachmentAnswer;
  }

  askBulk(connections: number, role: AttachmentRole = 'control'): Promise<RelayAnswer> {
    return this.post(this.standing(role).at(-1)!.session, BULK_PATH, { connections });
  }

  /** A stream to the peer, as for a client; its answer tells whether it stands. */
  open(
    peerId: PeerId,
    { role = 'bulk', from = 'broker' }: { role?: AttachmentRole; from?: string } = {},
  ): Promise<{ stream: ClientHttp2Stream; answer: Omit<RelayAnswer, 'body'> }> {
    const { session } = this.standing(role).at(-1)!;
    const stream = session.request({ ':method': 'CONNECT', ':authority': peerId, [FROM_HEADER]: from });
    stream.on('error', () => stream.destroy());
    return new Promise((resolve, reject) => {
      stream.once('response', (headers) => resolve({ stream, answer: { status: headers[':status'] ?? 0, headers } }));
      stream.once('close', () => reject(new Error('the stream closed without an answer')));
    });
  }

  post(session: ClientHttp2Session, path: string, body: unknown): Promise<RelayAnswer> {
    const stream = session.request({ ':method': 'POST', ':path': path });
    return new Promise((resolve, reject) => {
      let headers: IncomingHttpHeaders = {};
      const pieces: Buffer[] = [];
      stream.once('response', (told) => {
        headers = told;
      });
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.once('error', reject);
      stream.once('close', () =>
        resolve({ status: Number(headers[':status'] ?? 0), headers, body: Buffer.concat(pieces).toString('utf8') }),
      );
      stream.end(JSON.stringify(body));
    });
  }

  /** The line is cut: what comes is not read, and nothing is said any more. */
  fallSilent(): void {
    for (const socket of this.raw) socket.pause();
  }

  /** Its process dies: all connections end, and nobody listens. */
  async kill(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async attach(socket: TLSSocket): Promise<void> {
    const session = connect('http://peer', { ...TUNNEL_OPTIONS, createConnection: () => socket });
    session.on('error', () => session.destroy());
    const answer = await this.post(session, ATTACHMENT_PATH, { relayId: this.saysId });
    if (answer.status !== 200) return session.destroy();
    const peerId = spiffeIdOfAltNames(socket.getPeerX509Certificate()?.subjectAltName)?.subject ?? '';
    this.attached.push({ session, peerId, answer: JSON.parse(answer.body) as AttachmentAnswer });
    for (const wake of this.waiters.splice(0)) wake();
  }
}

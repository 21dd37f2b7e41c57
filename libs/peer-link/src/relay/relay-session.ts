// One HTTP/2 connection to a relay, and the streams to peers that it carries.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '#process';
import { type PeerId, ProtocolError } from '#protocol';
import { REACH_ANSWER_MS_MAX, RELAY_KEEP_ALIVE_MS, STREAMS_PER_CONNECTION_MAX } from '../limits.js';
import { cut, keepAlive } from './keep-alive.js';
import { TUNNEL_OPTIONS, widen } from './windows.js';
import { CODE_HEADER, codeOfHeader, LEASE_HEADER } from './wire.js';

export class RelaySession {
  private readonly session: ClientHttp2Session;
  private streams = 0;
  private cancelIdle = (): void => undefined;

  /** socket   trusted, and nothing was sent on it */
  constructor(
    private readonly relayId: PeerId,
    socket: TLSSocket,
    private readonly clock: Clock,
    onClose: () => void,
  ) {
    this.session = connect('http://relay', { ...TUNNEL_OPTIONS, createConnection: () => socket });
    widen(this.session);
    keepAlive(this.session, clock);
    // Each stream has its own error, and a session without streams has nobody to tell.
    this.session.on('error', () => undefined);
    this.session.once('close', () => {
      this.cancelIdle();
      onClose();
    });
    this.waitIdle();
  }

  /** It takes one more stream. */
  get hasRoom(): boolean {
    return !this.session.closed && !this.session.destroyed && this.streams < STREAMS_PER_CONNECTION_MAX;
  }

  /** A stream that ends at the peer. Throws as RelayDialer.open does. */
  async open(hostId: PeerId, lease: string): Promise<Duplex> {
    this.streams++;
    this.cancelIdle();
    let stream: ClientHttp2Stream;
    try {
      stream = this.session.request({ ':method': 'CONNECT', ':authority': hostId, [LEASE_HEADER]: lease });
    } catch (error) {
      this.leave();
      throw this.unreachable(hostId, error);
    }
    stream.once('close', () => this.leave());
    return this.established(stream, hostId);
  }

  /** No further streams; those that stand go on. */
  retire(): void {
    this.session.close();
  }

  /** Its streams end. */
  destroy(): void {
    cut(this.session);
  }

  private established(stream: ClientHttp2Stream, hostId: PeerId): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const fail = (error: ProtocolError): void => {
        cancel();
        stream.close(constants.NGHTTP2_CANCEL);
        reject(error);
      };
      const cancel = this.clock.schedule(REACH_ANSWER_MS_MAX, () => fail(this.unreachable(hostId)));
      // Stays for the life of the stream, whose next owner may come later than an error.
      stream.on('error', (error) => fail(this.unreachable(hostId, error)));
      stream.once('close', () => fail(this.unreachable(hostId)));
      stream.once('response', (headers) => {
        if (headers[':status'] !== 200) return fail(this.refusal(headers[CODE_HEADER], hostId));
        cancel();
        resolve(stream);
      });
    });
  }

  private refusal(code: unknown, hostId: PeerId): ProtocolError {
    return new ProtocolError(codeOfHeader(code, 'peer_unreachable'), { hostId, relayId: this.relayId });
  }

  private unreachable(hostId: PeerId, cause?: unknown): ProtocolError {
    return new ProtocolError('peer_unreachable', { hostId, relayId: this.relayId }, { cause });
  }

  private leave(): void {
    this.streams--;
    if (this.streams === 0) this.waitIdle();
  }

  private waitIdle(): void {
    this.cancelIdle = this.clock.schedule(RELAY_KEEP_ALIVE_MS, () => this.retire());
  }
}

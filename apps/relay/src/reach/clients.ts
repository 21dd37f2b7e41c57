// The connections of those who reach peers: HTTP/2 that this relay serves, a few connections each, none idle for long.
import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { cut, keepAlive, TUNNEL_OPTIONS, widen } from '#peer-link';
import type { Requester } from '#protocol';
import { CLIENT_CONNECTIONS_MAX, CONNECTIONS_PER_CLIENT_MAX, IDLE_CLIENT_MS_MAX } from '../limits.js';
import { type ReachParts, reachPeer } from './reach-peer.js';

export class Clients {
  private readonly sessionsOf = new Map<Requester, Set<ServerHttp2Session>>();
  private sessions = 0;

  constructor(private readonly parts: ReachParts) {}

  get connections(): number {
    return this.sessions;
  }

  /** requester   whom the certificate of the connection names */
  admit(socket: TLSSocket, requester: Requester): void {
    const own = this.sessionsOf.get(requester) ?? new Set();
    if (own.size >= CONNECTIONS_PER_CLIENT_MAX || this.sessions >= CLIENT_CONNECTIONS_MAX) {
      this.parts.onRefused('relay_full');
      socket.destroy();
      return;
    }
    const session = performServerHandshake(socket, TUNNEL_OPTIONS);
    widen(session);
    keepAlive(session, this.parts.clock);
    own.add(session);
    this.sessionsOf.set(requester, own);
    this.sessions++;
    session.on('error', (error) => this.parts.log.debug({ event: 'client_lost', requester, err: error }));
    session.once('close', () => {
      this.sessions--;
      own.delete(session);
      if (own.size === 0) this.sessionsOf.delete(requester);
    });
    this.serve(session, requester);
  }

  /** Nobody opens streams any more; those that stand go on. */
  release(): void {
    for (const own of this.sessionsOf.values()) for (const session of own) session.close();
  }

  destroy(): void {
    for (const own of this.sessionsOf.values()) for (const session of own) cut(session);
  }

  private serve(session: ServerHttp2Session, requester: Requester): void {
    const { clock } = this.parts;
    let streams = 0;
    const rest = (): (() => void) => clock.schedule(IDLE_CLIENT_MS_MAX, () => session.close());
    let cancelRest = rest();
    session.on('stream', (stream, headers) => {
      streams++;
      cancelRest();
      stream.once('close', () => {
        streams--;
        if (streams === 0) cancelRest = rest();
      });
      void reachPeer(stream, headers, requester, this.parts);
    });
    session.once('close', () => cancelRest());
  }
}

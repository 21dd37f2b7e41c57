// This peer's place at one relay: a control connection, the bulk connections that the relay asked for, and the lease.
import type { ServerHttp2Stream } from 'node:http2';
import { connectTrusted, type PeerHome } from '#peer-home';
import { type AttachmentRole, BULK_CONNECTIONS_MAX, RELAY_ANSWER_MS_MAX } from '#peer-link';
import type { Clock, Log } from '#process';
import { ALPN_RELAY, type PeerId, ProtocolError, parseTime, type RelayAttachmentAnswer, type UnixMs } from '#protocol';
import { RelayConnection, type RelayServing } from './relay-connection.js';
import type { RelayVisits } from './relay-visits.js';

export interface AttachmentOptions {
  readonly home: PeerHome;
  readonly carry: (stream: ServerHttp2Stream) => void;
  readonly visits: RelayVisits;
  readonly clock: Clock;
  readonly log: Log;
  /** The control connection is gone: nobody reaches this peer here any more. Told once, and not after `end` or `destroy`. */
  readonly onLost: () => void;
}

const CODES = { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' } as const;

export class Attachment {
  private readonly connections = new Set<RelayConnection>();
  private readonly serving: RelayServing;
  private dialling = 0;
  /** `open` while it stands, or is being made. */
  private state: 'open' | 'ending' | 'closed' = 'open';
  private tellAttached: () => void = () => undefined;
  private isAttached = false;
  private leaseSinceMs: UnixMs;

  constructor(
    private given: RelayAttachmentAnswer,
    nowMs: UnixMs,
    private readonly options: AttachmentOptions,
  ) {
    const { home, clock, log, carry, visits } = options;
    this.leaseSinceMs = nowMs;
    this.serving = {
      relayId: given.relayId,
      ownId: home.identity.peerId,
      lease: () => this.given.lease,
      attached: ({ role }) => {
        if (role === 'control') this.tellAttached();
      },
      openBulk: (connections) => this.openBulk(connections),
      carry,
      visits,
      clock,
      log,
    };
  }

  get relayId(): PeerId {
    return this.given.relayId;
  }

  get place(): Pick<RelayAttachmentAnswer, 'address' | 'port'> {
    return this.given;
  }

  /** Peers and visitors that are carried at the moment. */
  get carried(): number {
    return [...this.connections].reduce((sum, { carried }) => sum + carried, 0);
  }

  /** By role. */
  countOf(role: AttachmentRole): number {
    return [...this.connections].filter((connection) => connection.role === role).length;
  }

  /**
   * Connect, and wait until the relay has asked who this is.
   *
   * throws   peer_unreachable (also: it asked nothing in time, or hung up) | peer_untrusted | interrupted
   */
  async open(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    await this.dial('control');
    const unanswered = new ProtocolError('peer_unreachable', { relayId: this.relayId, reason: 'no attachment' });
    try {
      await new Promise<void>((resolve, reject) => {
        const settle = (end: () => void): void => {
          cancel();
          signal.removeEventListener('abort', interrupt);
          end();
        };
        const interrupt = (): void =>
          settle(() => reject(new ProtocolError('interrupted', {}, { cause: signal.reason })));
        const cancel = clock.schedule(RELAY_ANSWER_MS_MAX, () => settle(() => reject(unanswered)));
        this.tellAttached = () => settle(resolve);
        this.tellLost = () => settle(() => reject(unanswered));
        if (signal.aborted) interrupt();
        else signal.addEventListener('abort', interrupt, { once: true });
        if (this.countOf('control') === 0) this.tellLost();
      });
      this.isAttached = true;
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** Half of the life of the lease is over: time to ask for the next one. */
  isLeaseOld(nowMs: UnixMs): boolean {
    const endMs = parseTime(this.given.expiresAt) ?? 0;
    return nowMs - this.leaseSinceMs >= (endMs - this.leaseSinceMs) / 2;
  }

  /** The same relay goes on under a later lease, which is shown when it asks again. */
  renew(given: RelayAttachmentAnswer, nowMs: UnixMs): void {
    this.given = given;
    this.leaseSinceMs = nowMs;
  }

  /** Take no more streams; connections close when those that stand have ended. */
  end(): void {
    if (this.state !== 'open') return;
    this.state = 'ending';
    for (const connection of this.connections) connection.end();
  }

  destroy(): void {
    this.state = 'closed';
    for (const connection of this.connections) connection.destroy();
  }

  private tellLost: () => void = () => undefined;

  /** As many more as the relay asks for and the bound allows; one that fails is asked for again. */
  private openBulk(connections: number): void {
    const { log } = this.options;
    const room = BULK_CONNECTIONS_MAX - this.countOf('bulk') - this.dialling;
    for (let i = 0; i < Math.min(connections, room); i++) {
      this.dialling++;
      this.dial('bulk')
        .catch((error: unknown) => log.warn({ event: 'relay_bulk_failed', relayId: this.relayId, err: error }))
        .finally(() => this.dialling--);
    }
  }

  private async dial(role: AttachmentRole): Promise<void> {
    const { home } = this.options;
    const { address: host, port, relayId } = this.given;
    const socket = await connectTrusted(
      {
        caPem: home.caPem,
        expected: { trustDomain: home.identity.trustDomain, subject: relayId },
        alpn: ALPN_RELAY,
        own: () => ({ certificatePem: home.certificate().pem, privateKeyPem: home.privateKeyPem }),
        codes: CODES,
      },
      { host, port },
    );
    if (this.state !== 'open') {
      socket.destroy();
      return;
    }
    this.connections.add(new RelayConnection(socket, role, this.serving, (closed) => this.forget(closed)));
  }

  /**
   * Without its control connection a peer is gone for the relay, and gets no more streams. Those of a relay that only stops
   * may come to their end.
   */
  private forget(closed: RelayConnection): void {
    this.connections.delete(closed);
    if (closed.role !== 'control' || this.state !== 'open') return;
    this.end();
    if (this.isAttached) this.options.onLost();
    else this.tellLost();
  }
}

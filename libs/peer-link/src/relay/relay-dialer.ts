// Reaches peers through relays: a few shared connections to each relay, in each of them many streams, each to one peer.
import type { Duplex } from 'node:stream';
import { connectTrusted, type Dial } from '#peer-home';
import type { Clock } from '#process';
import { ALPN_REACH, type PeerId, ProtocolError, type RelayWay } from '#protocol';
import { type LinkIdentity, PEER_CODES } from '../host-connections.js';
import { RELAY_CONNECTIONS_MAX, RELAYS_MAX } from '../limits.js';
import { RelaySession } from './relay-session.js';

export interface RelayDialerOptions {
  /** Of the peer that the leases are for, or of the broker. */
  readonly identity: LinkIdentity;
  readonly clock: Clock;
  /** Decides which addresses are connected to, and connects. */
  readonly dial?: Dial | undefined;
}

export class RelayDialer {
  /** In order of use: the first was used longest ago. */
  private readonly relays = new Map<PeerId, RelayConnections>();
  private isClosed = false;

  constructor(private readonly options: RelayDialerOptions) {}

  /**
   * A stream through a relay to a peer, to speak TLS in: nothing proves yet that the peer is at its end.
   *
   * throws   peer_unreachable | peer_untrusted about the relay or the peer; what the relay refused with (SPEC §13.5):
   *          lease_invalid, lease_expired, lease_spent, relay_full, peer_not_attached and their kin; interrupted once closed
   */
  open({ relayId, address, port, lease }: Omit<RelayWay, 'isOnlyWay'>, hostId: PeerId): Promise<Duplex> {
    if (this.isClosed) throw new ProtocolError('interrupted', {}, { detail: 'the ways through relays are closed' });
    let relay = this.relays.get(relayId);
    if (relay !== undefined && !(relay.address === address && relay.port === port)) {
      relay.retire();
      relay = undefined;
    }
    relay ??= new RelayConnections(relayId, address, port, this.options);
    this.relays.delete(relayId);
    this.relays.set(relayId, relay);
    const [oldest] = this.relays;
    if (this.relays.size > RELAYS_MAX && oldest !== undefined) {
      this.relays.delete(oldest[0]);
      oldest[1].retire();
    }
    return relay.open(hostId, lease);
  }

  /** Drop all connections; their streams end. */
  close(): void {
    this.isClosed = true;
    for (const relay of this.relays.values()) relay.destroy();
    this.relays.clear();
  }
}

/** The connections to one relay at one address. */
class RelayConnections {
  private readonly sessions = new Set<RelaySession>();
  /** The connection that is being made: others who want one wait for it, and see then whether it has room. */
  private dialling: Promise<void> | null = null;
  private isDestroyed = false;

  constructor(
    private readonly relayId: PeerId,
    readonly address: string,
    readonly port: number,
    private readonly options: RelayDialerOptions,
  ) {}

  async open(hostId: PeerId, lease: string): Promise<Duplex> {
    for (;;) {
      const free = [...this.sessions].find(({ hasRoom }) => hasRoom);
      if (free !== undefined) return free.open(hostId, lease);
      if (this.sessions.size >= RELAY_CONNECTIONS_MAX) throw new ProtocolError('relay_full', { relayId: this.relayId });
      this.dialling ??= this.dial().finally(() => {
        this.dialling = null;
      });
      await this.dialling;
    }
  }

  /** No further streams; those that stand go on. */
  retire(): void {
    for (const session of this.sessions) session.retire();
  }

  destroy(): void {
    this.isDestroyed = true;
    for (const session of this.sessions) session.destroy();
  }

  private async dial(): Promise<void> {
    const { identity, clock, dial } = this.options;
    const socket = await connectTrusted(
      {
        caPem: identity.caPem,
        expected: { trustDomain: identity.trustDomain, subject: this.relayId },
        alpn: ALPN_REACH,
        own: identity.own,
        codes: PEER_CODES,
        dial,
      },
      { host: this.address, port: this.port },
    );
    if (this.isDestroyed) {
      socket.destroy();
      throw new ProtocolError('interrupted', {}, { detail: 'the ways through relays are closed' });
    }
    const session: RelaySession = new RelaySession(this.relayId, socket, clock, () => this.sessions.delete(session));
    this.sessions.add(session);
  }
}

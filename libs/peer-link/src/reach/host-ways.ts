// "Reach peer X": opens connections to peers by the best way there is, and remembers which way that was, since when and why.
import type { TLSSocket } from 'node:tls';
import { connectTrusted, type TrustedConnectionOptions } from '#peer-home';
import type { Clock } from '#process';
import { type PeerAddress, type PeerId, ProtocolError, type UnixMs } from '#protocol';
import { HOSTS_MAX } from '../limits.js';
import type { RelayDialer } from '../relay/relay-dialer.js';
import { decideWays, isUpwardDue, reasonOf, type Way, type WayFacts, type WayReason } from './decide-way.js';
import { raceWays } from './race-ways.js';

/** Where a peer serves on the local network; null when it is not known to be a neighbour. */
export type LanWay = (peerId: PeerId) => { readonly address: string; readonly port: number } | null;

export interface WayInUse {
  readonly peerId: PeerId;
  readonly way: Way;
  readonly reason: WayReason;
  readonly sinceMs: UnixMs;
  /** The relay that carries it; null on the other ways. */
  readonly relayId: PeerId | null;
}

export interface HostWaysOptions {
  readonly clock: Clock;
  readonly relays: Pick<RelayDialer, 'open'>;
  readonly lanWay?: LanWay | undefined;
}

/** What is known of the ways to one peer. Times by the monotonic clock, but for `inUse`. */
interface Known {
  readonly metMs: number;
  lanFailedMs: number | null;
  directFailedMs: number | null;
  inUse: WayInUse | null;
  /** A better way is being looked for: no other look begins before a connection stands. */
  isLooking: boolean;
}

export class HostWays {
  /** In order of use: the first was used longest ago. */
  private readonly peers = new Map<PeerId, Known>();

  constructor(private readonly options: HostWaysOptions) {}

  /** Which way each peer was reached last, in this process. */
  get all(): WayInUse[] {
    return [...this.peers.values()].map(({ inUse }) => inUse).filter((inUse) => inUse !== null);
  }

  /**
   * A connection to exactly this peer.
   *
   * tls      how it is known
   * throws   peer_unreachable | peer_untrusted, as raceWays does; interrupted
   */
  async open(host: PeerAddress, tls: TrustedConnectionOptions): Promise<TLSSocket> {
    const { clock } = this.options;
    const known = this.known(host.peerId);
    const lan = this.lan(host.peerId);
    const steps = decideWays(this.facts(host, known));
    try {
      const { way, connection, tried, failed } = await raceWays(
        steps,
        (one) => this.openBy(one, host, lan, tls),
        clock,
      );
      const late = tried.filter((one) => one !== way);
      this.noteFailures(known, late);
      if (way === 'lan') known.lanFailedMs = null;
      if (way === 'direct') known.directFailedMs = null;
      const reason = reasonOf(way, tried, failed, known.inUse?.reason ?? null);
      const relayId = way === 'relay' ? (host.relay?.relayId ?? null) : null;
      const { inUse } = known;
      const isSame = inUse?.way === way && inUse.relayId === relayId;
      const sinceMs = isSame ? inUse.sinceMs : clock.nowMs();
      known.inUse = { peerId: host.peerId, way, reason, sinceMs, relayId };
      return connection;
    } catch (error) {
      this.noteFailures(
        known,
        steps.map(({ way }) => way),
      );
      throw error;
    } finally {
      known.isLooking = false;
    }
  }

  /** True once when a better way than the one in use is worth a try: new connections are then made anew. */
  looksUpward(host: PeerAddress): boolean {
    const known = this.known(host.peerId);
    if (known.isLooking || !isUpwardDue(known.inUse?.way ?? null, this.facts(host, known))) return false;
    known.isLooking = true;
    return true;
  }

  private async openBy(
    way: Way,
    host: PeerAddress,
    lan: ReturnType<LanWay>,
    tls: TrustedConnectionOptions,
  ): Promise<TLSSocket> {
    const { address, port, peerId, relay } = host;
    if (way === 'lan' && lan !== null) return connectTrusted(tls, { host: lan.address, port: lan.port });
    if (way === 'direct') return connectTrusted(tls, { host: address, port });
    if (relay === undefined) throw new ProtocolError('peer_unreachable', { hostId: peerId });
    const dial = () => this.options.relays.open(relay, peerId);
    return connectTrusted({ ...tls, dial }, { host: address, port });
  }

  private facts({ peerId, relay }: PeerAddress, known: Known): WayFacts {
    const { metMs, lanFailedMs, directFailedMs } = known;
    const nowMs = this.options.clock.monotonicMs();
    return { hasLan: this.lan(peerId) !== null, relay: relay ?? null, metMs, lanFailedMs, directFailedMs, nowMs };
  }

  private lan(peerId: PeerId): ReturnType<LanWay> {
    return this.options.lanWay?.(peerId) ?? null;
  }

  private noteFailures(known: Known, ways: readonly Way[]): void {
    const nowMs = this.options.clock.monotonicMs();
    if (ways.includes('lan')) known.lanFailedMs = nowMs;
    if (ways.includes('direct')) known.directFailedMs = nowMs;
  }

  private known(peerId: PeerId): Known {
    const metMs = this.options.clock.monotonicMs();
    const fresh: Known = { metMs, lanFailedMs: null, directFailedMs: null, inUse: null, isLooking: false };
    const known = this.peers.get(peerId) ?? fresh;
    this.peers.delete(peerId);
    this.peers.set(peerId, known);
    const [oldest] = this.peers.keys();
    if (this.peers.size > HOSTS_MAX && oldest !== undefined) this.peers.delete(oldest);
    return known;
  }
}

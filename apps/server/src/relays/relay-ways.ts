// The way to a host through the relay that it is attached to, with a lease for whoever is told of it.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import type { PeerId, RelayWay, Requester } from '#protocol';
import { REACH_LEASES_KEPT_MAX } from '../limits.js';
import { DirectWays } from './direct-ways.js';
import { type IssuedLease, IssueLeases } from './issue-leases.js';
import { OnlineRelays } from './online-relays.js';

/** A host as far as its ways are concerned. */
export interface AttachedHost {
  readonly peerId: PeerId;
  readonly address: string;
  readonly port: number;
  readonly relayId: PeerId | null;
}

interface KeptLease extends IssuedLease {
  readonly relayId: PeerId;
}

@Injectable()
export class RelayWays {
  /** By who reaches whom, in order of issue: a client that asks for a thousand shards of a host shows one lease. */
  private readonly kept = new Map<string, KeptLease>();

  constructor(
    private readonly clock: Clock,
    private readonly relays: OnlineRelays,
    private readonly direct: DirectWays,
    private readonly leases: IssueLeases,
  ) {}

  /** Undefined for a host without a relay, or whose relay is gone: then there is the direct way or none. */
  wayTo(host: AttachedHost, subject: Requester): RelayWay | undefined {
    const relay = host.relayId === null || subject === host.peerId ? undefined : this.relays.find(host.relayId);
    if (relay === undefined) return undefined;
    const { peerId: relayId, address, port } = relay;
    const { text: lease } = this.leaseFor({ relayId, peerId: host.peerId, subject });
    return { relayId, address, port, lease, isOnlyWay: this.direct.isDirect(host) !== true };
  }

  /** Could anybody reach it: without a relay, through one that is there, or without the one that is gone? */
  isServed(host: AttachedHost): boolean {
    if (host.relayId === null || this.relays.find(host.relayId) !== undefined) return true;
    return this.direct.isDirect(host) === true;
  }

  private leaseFor(of: { readonly relayId: PeerId; readonly peerId: PeerId; readonly subject: Requester }): KeptLease {
    const name = `${of.subject} ${of.peerId}`;
    const known = this.kept.get(name);
    const nowMs = this.clock.nowMs();
    // For half of its life: whoever gets it later has the other half to use it.
    const isYoung = known !== undefined && 2 * nowMs < known.issuedAtMs + known.expiresAtMs;
    if (isYoung && known.relayId === of.relayId && nowMs >= known.issuedAtMs) return known;
    const lease = { ...this.leases.reach(of), relayId: of.relayId };
    this.kept.delete(name);
    this.kept.set(name, lease);
    if (this.kept.size > REACH_LEASES_KEPT_MAX) {
      // Only a cache: who is forgotten gets another lease.
      const [oldest] = this.kept.keys();
      if (oldest !== undefined) this.kept.delete(oldest);
    }
    return lease;
  }
}

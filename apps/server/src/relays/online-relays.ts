// The relays that are there now, in memory: refreshed by what they say, rebuilt from the database at the start.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '#process';
import type { AccountId, PeerId } from '#protocol';
import { PeerDirectory } from '../peers/peer-directory.js';
import { mayAsk } from '../peers/peer-standing.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { RelayEntity } from './relay.entity.js';

export interface OnlineRelay {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly address: string;
  readonly port: number;
  readonly webPort: number | null;
  readonly region: string | null;
  readonly peers: number;
  readonly peersMax: number;
  readonly streams: number;
  readonly bytesPerSecond: number;
  readonly isEnding: boolean;
  readonly isDrained: boolean;
  readonly seenAtMs: number;
  /** Peers that were sent there since it last told how many it has; at most every enrolled one. */
  readonly sentThere: ReadonlySet<PeerId>;
}

interface KnownRelay extends OnlineRelay {
  readonly sentThere: Set<PeerId>;
}

@Injectable()
export class OnlineRelays implements OnModuleInit {
  // At most one each for every enrolled relay.
  private readonly relays = new Map<PeerId, KnownRelay>();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly directory: PeerDirectory,
  ) {
    directory.whenStateChanges((standing) => {
      if (!mayAsk(standing)) this.relays.delete(standing.peerId);
    });
  }

  async onModuleInit(): Promise<void> {
    for (const row of await this.database.reads.find(RelayEntity)) this.seen(row);
  }

  /** Call when its row is committed. */
  seen(row: RelayEntity): void {
    const peer = this.directory.find(row.peerId);
    // It may have been shut out while it spoke.
    if (peer === undefined || !mayAsk(peer)) return;
    const { peerId, address, port, webPort, region, peers, peersMax, streams, bytesPerSecond, seenAtMs } = row;
    this.relays.set(peerId, {
      peerId,
      accountId: peer.accountId,
      address,
      port,
      webPort,
      region,
      peers,
      peersMax,
      streams,
      bytesPerSecond,
      isEnding: row.isEnding === 1,
      isDrained: row.drainedAtMs !== null,
      seenAtMs,
      sentThere: new Set(),
    });
  }

  /** An operator drains it, or takes that back. Call when its row is committed. */
  drained(peerId: PeerId, isDrained: boolean): void {
    const relay = this.relays.get(peerId);
    if (relay !== undefined) this.relays.set(peerId, { ...relay, isDrained });
  }

  /** A peer was given a lease for it: one that asks again and again takes one place. */
  sent(relayId: PeerId, peerId: PeerId): void {
    this.relays.get(relayId)?.sentThere.add(peerId);
  }

  /** Undefined for one that is silent, and for what is no relay. */
  find(peerId: PeerId): OnlineRelay | undefined {
    const relay = this.relays.get(peerId);
    return relay !== undefined && this.isThere(relay) ? relay : undefined;
  }

  /** How many there are at all, silent ones too. */
  get known(): number {
    return this.relays.size;
  }

  /** Everyone that is there, in no order that matters. */
  all(): OnlineRelay[] {
    return [...this.relays.values()].filter((relay) => this.isThere(relay));
  }

  private isThere({ seenAtMs }: OnlineRelay): boolean {
    return seenAtMs >= this.clock.nowMs() - this.settings.policy.relay.presenceTtlMs;
  }
}

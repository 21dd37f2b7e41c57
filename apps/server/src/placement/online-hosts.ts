// The hosts that are there now, in memory: refreshed by presence, rebuilt from the database at the start.
import { strict as assert } from 'node:assert';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { In, IsNull, Not } from 'typeorm';
import { Clock } from '#process';
import type { AccountId, PeerAddress, PeerId, Requester } from '#protocol';
import { CANDIDATE_POOL_LIFE_MS, COUNTED_HOSTS_MAX, ELIGIBLE_HOST_BYTES_MIN } from '../limits.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { HOSTING_STATES, mayHost, takesNewShards } from '../peers/peer-standing.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { RelayWays } from '../relays/relay-ways.js';
import { HostReputation } from '../reputation/host-reputation.js';
import { type Candidate, type Holder, passes, type Wishes } from './candidate.js';
import { CandidatePool } from './candidate-pool.js';
import { countIndependentHosts } from './match-operators.js';
import { networkOfHost } from './network-of-host.js';

export interface OnlineHost {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly address: string;
  readonly port: number;
  /** The relay that it is attached to. */
  readonly relayId: PeerId | null;
  readonly freeBytes: number;
  /** Where it says that it stands. */
  readonly region: string | null;
  readonly seenAtMs: number;
}

/** What is believed of a host that nobody has asked yet. */
const UPTIME_OF_NEWCOMERS = 0.9;

@Injectable()
export class OnlineHosts implements OnModuleInit {
  // In the order of their last word, so the silent ones are always at the front.
  private readonly hosts = new Map<PeerId, OnlineHost>();
  // Promised to puts under way; kept apart because a host that falls silent keeps its promises.
  private readonly heldBytes = new Map<PeerId, number>();
  // Where every host was last, also of those that are not there.
  private readonly networks = new Map<PeerId, string>();
  private readonly live = new Map<PeerId, LiveCandidate>();
  private pool: { readonly of: CandidatePool; readonly madeAtMs: number } | null = null;
  private isReachable: (host: OnlineHost) => boolean = () => true;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly directory: PeerDirectory,
    private readonly reputation: HostReputation,
    private readonly ways: RelayWays,
  ) {
    directory.whenStateChanges(({ peerId, state }) => {
      if (!mayHost(state)) this.left(peerId);
      this.changed();
    });
  }

  async onModuleInit(): Promise<void> {
    const rows = await this.database.reads.find(PeerEntity, {
      where: { address: Not(IsNull()), state: In(HOSTING_STATES) },
      order: { seenAtMs: 'ASC' },
    });
    const held = await this.database.reads.query<{ host_id: PeerId; bytes: number | string }[]>(
      "SELECT host_id, SUM(size_bytes) AS bytes FROM transactions WHERE op = 'put' AND is_use = 0 AND state = 'issued' AND receipt_at_ms IS NULL GROUP BY host_id",
    );
    for (const { host_id, bytes } of held) this.heldBytes.set(host_id, Number(bytes));
    const aliveSinceMs = this.aliveSinceMs();
    for (const row of rows) {
      assert(row.address !== null && row.port !== null && row.freeBytes !== null && row.seenAtMs !== null);
      const { id: peerId, accountId, address, port, relayId, freeBytes, region, seenAtMs } = row;
      if (seenAtMs >= aliveSinceMs)
        this.keep({ peerId, accountId, address, port, relayId, freeBytes, region, seenAtMs });
      else this.networks.set(peerId, this.networkOf({ peerId, address }));
    }
  }

  /** Let only hosts be chosen that answer when they are asked; others stay online. Call `changed` when that changes. */
  chooseOnly(isReachable: (host: OnlineHost) => boolean): void {
    this.isReachable = isReachable;
  }

  /** What is known of hosts is another than before: who may be chosen is found out anew. */
  changed(): void {
    this.pool = null;
  }

  /** Everybody who is there, in no order that matters. */
  all(): OnlineHost[] {
    this.dropSilent();
    return [...this.hosts.values()];
  }

  seen(host: OnlineHost): void {
    const before = this.hosts.get(host.peerId);
    // It may have been shut out while it spoke.
    const peer = this.directory.find(host.peerId);
    if (peer === undefined || !mayHost(peer.state)) {
      this.left(host.peerId);
      return;
    }
    this.hosts.delete(host.peerId);
    this.keep(host);
    if (before === undefined || !isSamePlace(before, host)) this.changed();
  }

  /** A peer that says it stores nothing for others any more. */
  left(peerId: PeerId): void {
    if (!this.hosts.delete(peerId)) return;
    this.live.delete(peerId);
    this.changed();
  }

  find(peerId: PeerId): OnlineHost | undefined {
    this.dropSilent();
    return this.hosts.get(peerId);
  }

  /** Where it is reached, and through which relay: with a lease for whoever is told of it. */
  addressOf(host: OnlineHost, toldTo: Requester): PeerAddress {
    const { peerId, address, port } = host;
    const relay = this.ways.wayTo(host, toldTo);
    return relay === undefined ? { peerId, address, port } : { peerId, address, port, relay };
  }

  /**
   * Of how many independent hosts the shards of a client's new object could be now, counted up to COUNTED_HOSTS_MAX: of
   * distinct operators in distinct networks, among those that the client wishes. No client: of any host.
   */
  countEligible(clientId: PeerId | null, wishes: Wishes = {}): number {
    // A full host would stay in the count for ever, and objects would be coded for hosts that take nothing.
    const eligible = this.candidates().candidates.filter(
      (host) => host.peerId !== clientId && host.availableBytes >= ELIGIBLE_HOST_BYTES_MIN && passes(host, wishes),
    );
    return countIndependentHosts(eligible, COUNTED_HOSTS_MAX);
  }

  /** Hosts to choose from. Their free space is always as it is at the moment. */
  candidates(): CandidatePool {
    this.dropSilent();
    const nowMs = this.clock.nowMs();
    if (this.pool === null || nowMs - this.pool.madeAtMs >= CANDIDATE_POOL_LIFE_MS) {
      const chosen = [...this.hosts.values()].filter((host) => this.mayBeChosen(host));
      this.pool = { of: new CandidatePool(chosen.map((host) => this.judged(host.peerId))), madeAtMs: nowMs };
    }
    return this.pool.of;
  }

  /** One host as a candidate, if it may be chosen. */
  candidateOf(peerId: PeerId): Candidate | undefined {
    const host = this.find(peerId);
    return host === undefined || !this.mayBeChosen(host) ? undefined : this.judged(peerId);
  }

  /** Any enrolled peer as one that holds a shard, whether or not it is there. */
  holderOf(peerId: PeerId): Holder {
    const peer = this.directory.find(peerId);
    assert(peer !== undefined, 'a host is an enrolled peer');
    const network = this.networks.get(peerId) ?? null;
    return { peerId, accountId: peer.accountId, network, isVetted: peer.state === 'active' };
  }

  /** Promise space of a host to a put. */
  hold(peerId: PeerId, sizeBytes: number): void {
    this.heldBytes.set(peerId, (this.heldBytes.get(peerId) ?? 0) + sizeBytes);
    this.measure(peerId);
  }

  /** The put ended, one way or the other. */
  release(peerId: PeerId, sizeBytes: number): void {
    const left = (this.heldBytes.get(peerId) ?? 0) - sizeBytes;
    if (left > 0) this.heldBytes.set(peerId, left);
    else this.heldBytes.delete(peerId);
    this.measure(peerId);
  }

  /** Bytes arrived there: until the host speaks again, its free space is less by them. */
  fill(peerId: PeerId, sizeBytes: number): void {
    const host = this.hosts.get(peerId);
    // Not `seen`: a report is no sign of life, so the host keeps its place in the order.
    if (host !== undefined) this.hosts.set(peerId, { ...host, freeBytes: Math.max(0, host.freeBytes - sizeBytes) });
    this.measure(peerId);
  }

  private keep(host: OnlineHost): void {
    const { peerId, accountId, region } = host;
    const network = this.networkOf(host);
    this.hosts.set(peerId, host);
    this.networks.set(peerId, network);
    const known = this.live.get(peerId);
    if (known === undefined) this.live.set(peerId, new LiveCandidate(peerId, accountId, network, region));
    else {
      known.network = network;
      known.region = region;
    }
    this.measure(peerId);
  }

  private networkOf(host: Pick<OnlineHost, 'peerId' | 'address'>): string {
    return networkOfHost(host, this.settings.policy.placement.networks);
  }

  private mayBeChosen(host: OnlineHost): boolean {
    const peer = this.directory.find(host.peerId);
    return peer !== undefined && takesNewShards(peer.state) && this.ways.isServed(host) && this.isReachable(host);
  }

  /** What is believed of it, as of now. */
  private judged(peerId: PeerId): LiveCandidate {
    const candidate = this.live.get(peerId)!;
    candidate.uptime = this.reputation.uptimeOf(peerId) ?? UPTIME_OF_NEWCOMERS;
    candidate.bytesPerSecond = this.reputation.speedOf(peerId);
    candidate.isVetted = this.directory.find(peerId)?.state === 'active';
    return candidate;
  }

  private measure(peerId: PeerId): void {
    const candidate = this.live.get(peerId);
    const host = this.hosts.get(peerId);
    if (candidate === undefined || host === undefined) return;
    candidate.availableBytes = host.freeBytes - (this.heldBytes.get(peerId) ?? 0);
  }

  private dropSilent(): void {
    const aliveSinceMs = this.aliveSinceMs();
    for (const [peerId, host] of this.hosts) {
      if (host.seenAtMs >= aliveSinceMs) break;
      this.left(peerId);
    }
  }

  private aliveSinceMs(): number {
    return this.clock.nowMs() - this.settings.policy.presenceTtlMs;
  }
}

/** What was found out of a host at one place says nothing of another. */
export function isSamePlace(
  one: Pick<OnlineHost, 'address' | 'port' | 'relayId'>,
  other: Pick<OnlineHost, 'address' | 'port' | 'relayId'>,
): boolean {
  return one.address === other.address && one.port === other.port && one.relayId === other.relayId;
}

/** A host as placements see it, kept up to date in its place: a network of thousands is not copied for every object. */
class LiveCandidate implements Candidate {
  availableBytes = 0;
  uptime = UPTIME_OF_NEWCOMERS;
  bytesPerSecond: number | null = null;
  isVetted = false;

  constructor(
    readonly peerId: PeerId,
    readonly accountId: AccountId,
    public network: string,
    public region: string | null,
  ) {}
}

// The hosts that are there now, in memory: refreshed by presence, rebuilt from the database at the start.
import { strict as assert } from 'node:assert';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { IsNull, MoreThanOrEqual, Not } from 'typeorm';
import { Clock } from '#process';
import type { AccountId, PeerAddress, PeerId } from '#protocol';
import { ELIGIBLE_HOST_BYTES_MIN, PLACEMENT_CANDIDATES_MAX } from '../limits.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import type { Candidate } from './place-shards.js';

export interface OnlineHost {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly address: string;
  readonly port: number;
  readonly freeBytes: number;
  readonly seenAtMs: number;
}

@Injectable()
export class OnlineHosts implements OnModuleInit {
  // In the order of their last word, so the silent ones are always at the front.
  private readonly hosts = new Map<PeerId, OnlineHost>();
  // Promised to puts under way; kept apart because a host that falls silent keeps its promises.
  private readonly heldBytes = new Map<PeerId, number>();
  private isReachable: (host: OnlineHost) => boolean = () => true;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly directory: PeerDirectory,
  ) {
    directory.whenStateChanges(({ peerId, state }) => {
      if (state !== 'active') this.left(peerId);
    });
  }

  async onModuleInit(): Promise<void> {
    const rows = await this.database.reads.find(PeerEntity, {
      where: { seenAtMs: MoreThanOrEqual(this.aliveSinceMs()), address: Not(IsNull()), state: 'active' },
      order: { seenAtMs: 'ASC' },
    });
    for (const row of rows) {
      assert(row.address !== null && row.port !== null && row.freeBytes !== null && row.seenAtMs !== null);
      const { id: peerId, accountId, address, port, freeBytes, seenAtMs } = row;
      this.hosts.set(peerId, { peerId, accountId, address, port, freeBytes, seenAtMs });
    }
    const held = await this.database.reads.query<{ host_id: PeerId; bytes: number | string }[]>(
      "SELECT host_id, SUM(size_bytes) AS bytes FROM transactions WHERE op = 'put' AND is_use = 0 AND state = 'issued' AND receipt_at_ms IS NULL GROUP BY host_id",
    );
    for (const { host_id, bytes } of held) this.heldBytes.set(host_id, Number(bytes));
  }

  /** Let only hosts be chosen that answer when they are asked; others stay online. */
  chooseOnly(isReachable: (host: OnlineHost) => boolean): void {
    this.isReachable = isReachable;
  }

  /** Everybody who is there, in no order that matters. */
  all(): OnlineHost[] {
    this.dropSilent();
    return [...this.hosts.values()];
  }

  seen(host: OnlineHost): void {
    this.hosts.delete(host.peerId);
    // It may have been shut out while it spoke.
    if (this.directory.find(host.peerId)?.state !== 'active') return;
    this.hosts.set(host.peerId, host);
  }

  /** A peer that says it stores nothing for others any more. */
  left(peerId: PeerId): void {
    this.hosts.delete(peerId);
  }

  find(peerId: PeerId): OnlineHost | undefined {
    this.dropSilent();
    return this.hosts.get(peerId);
  }

  addressOf(host: OnlineHost): PeerAddress {
    return { peerId: host.peerId, address: host.address, port: host.port };
  }

  /** How many peers could take a shard from this client now, counted up to PLACEMENT_CANDIDATES_MAX. */
  countEligible(clientId: PeerId): number {
    this.dropSilent();
    let eligible = 0;
    for (const host of this.hosts.values()) {
      // A full host would stay in the count for ever, and objects would be coded for hosts that take nothing.
      const hasRoom = this.availableBytes(host) >= ELIGIBLE_HOST_BYTES_MIN;
      if (host.peerId !== clientId && hasRoom && this.isReachable(host)) eligible++;
      if (eligible >= PLACEMENT_CANDIDATES_MAX) break;
    }
    return eligible;
  }

  /** Hosts to choose from: all of them, or a random sample when there are many. */
  candidates(): Candidate[] {
    this.dropSilent();
    const hosts = [...this.hosts.values()].filter(this.isReachable);
    const wanted = Math.min(hosts.length, PLACEMENT_CANDIDATES_MAX);
    if (hosts.length > wanted) {
      for (let i = 0; i < wanted; i++) {
        const j = i + Math.floor(Math.random() * (hosts.length - i));
        [hosts[i], hosts[j]] = [hosts[j]!, hosts[i]!];
      }
      hosts.length = wanted;
    }
    return hosts.map((host) => this.candidateFrom(host));
  }

  /** One host as a candidate, whether or not a sample has it. */
  candidateOf(peerId: PeerId): Candidate | undefined {
    const host = this.find(peerId);
    return host === undefined || !this.isReachable(host) ? undefined : this.candidateFrom(host);
  }

  /** Promise space of a host to a put. */
  hold(peerId: PeerId, sizeBytes: number): void {
    this.heldBytes.set(peerId, (this.heldBytes.get(peerId) ?? 0) + sizeBytes);
  }

  /** The put ended, one way or the other. */
  release(peerId: PeerId, sizeBytes: number): void {
    const left = (this.heldBytes.get(peerId) ?? 0) - sizeBytes;
    if (left > 0) this.heldBytes.set(peerId, left);
    else this.heldBytes.delete(peerId);
  }

  /** Bytes arrived there: until the host speaks again, its free space is less by them. */
  fill(peerId: PeerId, sizeBytes: number): void {
    const host = this.hosts.get(peerId);
    // Not `seen`: a report is no sign of life, so the host keeps its place in the order.
    if (host !== undefined) this.hosts.set(peerId, { ...host, freeBytes: Math.max(0, host.freeBytes - sizeBytes) });
  }

  private candidateFrom(host: OnlineHost): Candidate {
    return { peerId: host.peerId, accountId: host.accountId, availableBytes: this.availableBytes(host) };
  }

  private availableBytes(host: OnlineHost): number {
    return host.freeBytes - (this.heldBytes.get(host.peerId) ?? 0);
  }

  private dropSilent(): void {
    const aliveSinceMs = this.aliveSinceMs();
    for (const [peerId, host] of this.hosts) {
      if (host.seenAtMs >= aliveSinceMs) break;
      this.hosts.delete(peerId);
    }
  }

  private aliveSinceMs(): number {
    return this.clock.nowMs() - this.settings.policy.presenceTtlMs;
  }
}

// Which hosts hold the shards of an account, and what is known of them.
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import {
  type AccountId,
  formatTime,
  HOSTS_PER_PAGE_MAX,
  type ListedHost,
  type ListHostsAnswer,
  type ListHostsQuery,
  type PeerId,
} from '#protocol';
import { PeerEntity } from '../peers/peer.entity.js';
import { countDistinctOperators } from '../placement/match-operators.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { HostReputation } from '../reputation/host-reputation.js';

interface Holding {
  readonly peerId: PeerId;
  readonly shards: number;
  readonly bytes: number;
}

@Injectable()
export class ListHosts {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly hosts: OnlineHosts,
    private readonly reputation: HostReputation,
  ) {}

  /** In the order of their ids; the counts are of all of them, whatever the page. */
  async run(accountId: AccountId, { after, limit = HOSTS_PER_PAGE_MAX }: ListHostsQuery): Promise<ListHostsAnswer> {
    const all = await this.holdingsOf(accountId);
    const rest = after === undefined ? all : all.filter(({ peerId }) => peerId > after);
    const page = rest.slice(0, limit);
    const rows = await this.database.reads.findBy(PeerEntity, { id: In(page.map(({ peerId }) => peerId)) });
    const rowOf = new Map(rows.map((row) => [row.id, row]));
    const holders = all.map(({ peerId }) => this.hosts.holderOf(peerId));
    const places = holders.map((holder) => ({ ...holder, network: holder.network ?? `peer ${holder.peerId}` }));
    return {
      hosts: page.map((holding) => this.hostFrom(holding, rowOf.get(holding.peerId)!, accountId)),
      total: all.length,
      networks: new Set(places.map(({ network }) => network)).size,
      operators: countDistinctOperators(places),
      next: rest.length > limit ? (page.at(-1)?.peerId ?? null) : null,
    };
  }

  private async holdingsOf(accountId: AccountId): Promise<Holding[]> {
    const rows = await this.database.reads.query<
      { host_id: PeerId; shards: number | string; bytes: number | string }[]
    >(
      `SELECT s.host_id AS host_id, COUNT(*) AS shards, SUM(s.size_bytes) AS bytes
       FROM objects o JOIN shards s ON s.object_id = o.id
       WHERE o.account_id = $1 AND o.deleted_at_ms IS NULL AND s.state = 'stored' AND s.host_id IS NOT NULL
       GROUP BY s.host_id ORDER BY s.host_id`,
      [accountId],
    );
    return rows.map(({ host_id, shards, bytes }) => ({
      peerId: host_id,
      shards: Number(shards),
      bytes: Number(bytes),
    }));
  }

  private hostFrom({ peerId, shards, bytes }: Holding, row: PeerEntity, accountId: AccountId): ListedHost {
    const speed = this.reputation.speedOf(peerId);
    return {
      peerId,
      // What others call their machines is their business.
      name: row.accountId === accountId ? row.name : null,
      shards,
      bytes,
      state: row.state,
      online: this.hosts.find(peerId) !== undefined,
      uptime: this.reputation.uptimeOf(peerId),
      bytesPerSecond: speed === null ? null : Math.round(speed),
      seenAt: row.seenAtMs === null ? null : formatTime(row.seenAtMs),
    };
  }
}

// Lists the machines of an account, page by page, in the order in which they were enrolled.
import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import {
  type AccountId,
  formatTime,
  type ListedPeer,
  type ListedStateChange,
  type ListPeersAnswer,
  type ListPeersQuery,
  PEERS_PER_PAGE_MAX,
} from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { PeerEntity } from './peer.entity.js';

@Injectable()
export class ListPeers {
  constructor(private readonly database: BrokerDatabase) {}

  async run(accountId: AccountId, query: ListPeersQuery): Promise<ListPeersAnswer> {
    const limit = query.limit ?? PEERS_PER_PAGE_MAX;
    const found = await this.database.reads.find(PeerEntity, {
      where: { accountId, ...(query.after === undefined ? {} : { id: MoreThan(query.after) }) },
      order: { id: 'ASC' },
      // One more than asked for tells whether there is a next page.
      take: limit + 1,
    });
    const page = found.slice(0, limit);
    return { peers: page.map(listedPeerFrom), next: found.length > limit ? (page.at(-1)?.id ?? null) : null };
  }
}

export function listedPeerFrom(row: PeerEntity): ListedPeer {
  return {
    peerId: row.id,
    name: row.name,
    state: row.state,
    stateChange: stateChangeOf(row),
    enrolledAt: formatTime(row.createdAtMs),
    seenAt: row.seenAtMs === null ? null : formatTime(row.seenAtMs),
    appendOnly: row.appendOnlyAtMs !== null,
  };
}

/** The last change of its state; null without one. */
export function stateChangeOf(row: PeerEntity): ListedStateChange | null {
  const { stateChangedAtMs: atMs, stateChangedBy: by, stateCode: code, stateReason } = row;
  if (atMs === null || by === null || code === null) return null;
  return { at: formatTime(atMs), by, code, reason: stateReason ?? '' };
}

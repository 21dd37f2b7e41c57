// Peers for the operator: a page of them, or all that is known of one.
import { Injectable } from '@nestjs/common';
import { type FindOptionsWhere, IsNull, Like, MoreThan, Not } from 'typeorm';
import { formatTime, type PeerId, ProtocolError } from '#protocol';
import { TransactionKeyEntity } from '../../keys/transaction-key.entity.js';
import { listedPeerFrom } from '../../peers/list-peers.js';
import { PeerEntity } from '../../peers/peer.entity.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { ROWS_PER_PAGE } from '../limits.js';
import { LiveBroker } from '../live-broker.js';
import { decodeCursor, encodeCursor, type Page } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';
import type { KeptStateChange, KnownPeerAnswer, PeerFacts, PeersQuery, StateChangesQuery } from './peer-answers.js';

interface StateChangeRow {
  revision: number | string;
  from_state: KeptStateChange['from'];
  to_state: KeptStateChange['to'];
  changed_by: KeptStateChange['by'];
  code: KeptStateChange['code'];
  reason: string;
  at_ms: number | string;
}

@Injectable()
export class ReadPeers {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly live: LiveBroker,
  ) {}

  /** In the order in which they were enrolled. */
  async page(query: PeersQuery): Promise<Page<KnownPeerAnswer>> {
    const { limit = ROWS_PER_PAGE, after, account, state, name, isHost, network } = query;
    const where: FindOptionsWhere<PeerEntity> = {};
    if (account !== undefined) where.accountId = account;
    if (state !== undefined) where.state = state;
    if (name !== undefined) where.name = name;
    if (isHost !== undefined) where.address = isHost === 'true' ? Not(IsNull()) : IsNull();
    if (network !== undefined) where.address = Like(`${network}${network.includes(':') ? ':' : '.'}%`);
    if (after !== undefined) where.id = MoreThan(decodeCursor(after, ['text'])[0] as PeerId);
    const found = await this.database.reads.find(PeerEntity, { where, order: { id: 'ASC' }, take: limit + 1 });
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    return { items: rows.map((row) => this.knownFrom(row)), next: last === undefined ? null : encodeCursor([last.id]) };
  }

  /** throws peer_unknown */
  async one(peerId: PeerId, { withAddress }: { readonly withAddress: boolean }): Promise<PeerFacts> {
    const db = this.database.reads;
    const row = await db.findOneBy(PeerEntity, { id: peerId });
    if (row === null) throw new ProtocolError('peer_unknown');
    const keys = await db.find(TransactionKeyEntity, { where: { peerId }, order: { createdAtMs: 'ASC', kid: 'ASC' } });
    const [stored] = await db.query<{ shards: number | string; bytes: string }[]>(
      `SELECT COUNT(*) AS shards, CAST(COALESCE(SUM(size_bytes), 0) AS text) AS bytes FROM shards
       WHERE host_id = $1 AND state = 'stored'`,
      [peerId],
    );
    const { address, port } = row;
    return {
      ...this.knownFrom(row),
      address: !withAddress || address === null ? null : `${address} ${port}`,
      keys: keys.map((key) => ({
        kid: key.kid,
        state: key.state,
        createdAt: formatTime(key.createdAtMs),
        acceptedUntil: key.acceptedUntilMs === null ? null : formatTime(key.acceptedUntilMs),
        transactions: key.transactionCount,
        renewalAskedAt: key.renewalAskedAtMs === null ? null : formatTime(key.renewalAskedAtMs),
      })),
      storedShards: Number(stored?.shards),
      storedBytes: stored?.bytes ?? '0',
    };
  }

  /** throws peer_unknown */
  async changes(peerId: PeerId, query: StateChangesQuery): Promise<Page<KeptStateChange>> {
    const db = this.database.reads;
    if (!(await db.existsBy(PeerEntity, { id: peerId }))) throw new ProtocolError('peer_unknown');
    const list = {
      select: 'SELECT * FROM peer_state_changes',
      filters: [['peer_id = ?', peerId]],
      order: [{ column: 'revision', kind: 'number' }],
      newestFirst: true,
    } as const;
    return readPage<StateChangeRow, KeptStateChange>(db, list, query, (row) => ({
      revision: Number(row.revision),
      from: row.from_state,
      to: row.to_state,
      by: row.changed_by,
      code: row.code,
      reason: row.reason,
      at: formatTime(Number(row.at_ms)),
    }));
  }

  knownFrom(row: PeerEntity): KnownPeerAnswer {
    const { id, accountId, certificateExpiresAtMs, shareBytes, usedBytes, freeBytes } = row;
    return {
      ...listedPeerFrom(row),
      accountId,
      certificateExpiresAt: formatTime(certificateExpiresAtMs),
      isOnline: this.live.hosts.find(id) !== undefined,
      shareBytes,
      usedBytes,
      freeBytes,
    };
  }
}

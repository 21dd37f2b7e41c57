// The index of shards in agent.db: a shard is there when its row is, and its row comes after its bytes are durable.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, type Database, insertRows } from '#database';
import { type ContentId, type TokenItem, type UnixMs, uuidV7TimeMs } from '#protocol';
import { PUT_AWAY_LOOKED_AT_MAX } from '../limits.js';
import { countEmptied, countShard, countTakenBack, uncountShard } from '../state/agent-state.js';
import type { StoredShard } from './disk-shard-store.js';
import type { DeletedShard } from './shard-trash.js';

/** In the trash, in place of the transaction that deleted a shard: no transaction did. */
export type TrashedBy = '' | 'keep-filter';

export class ShardIndex {
  constructor(private readonly database: Database) {}

  /** The size of a shard that is there; null for one that is not. */
  async sizeOf(cid: ContentId): Promise<number | null> {
    const [row] = await this.database.reads.query<{ size_bytes: number }[]>(
      'SELECT size_bytes FROM shard WHERE cid = $1',
      [cid],
    );
    return row === undefined ? null : Number(row.size_bytes);
  }

  /** Shards in the order of their content ids, after one of them or from the first. */
  async after(cid: ContentId | null, count: number): Promise<TokenItem[]> {
    const rows = await this.database.reads.query<{ cid: ContentId; size_bytes: number }[]>(
      'SELECT cid, size_bytes FROM shard WHERE cid > $1 ORDER BY cid LIMIT $2',
      [cid ?? '', count],
    );
    return rows.map((row) => ({ cid: row.cid, sizeBytes: Number(row.size_bytes) }));
  }

  /** Until when nobody may delete the shard, by broker time; 0 when nobody asked for that, or it is not there. */
  async retainedUntilMs(cid: ContentId): Promise<UnixMs> {
    const [row] = await this.database.reads.query<{ retain_until_ms: number }[]>(
      'SELECT retain_until_ms FROM shard WHERE cid = $1',
      [cid],
    );
    return Number(row?.retain_until_ms ?? 0);
  }

  /** Of the puts that this shard is here by: when the broker permitted the newest, and when the last one was stored; 0 without one. */
  async newestPut(cid: ContentId): Promise<{ permittedMs: UnixMs; storedMs: UnixMs }> {
    const [row] = await this.database.reads.query<{ newest: string | null; stored: number | null }[]>(
      'SELECT max(transaction_id) AS newest, max(stored_ms) AS stored FROM shard_ref WHERE cid = $1',
      [cid],
    );
    return { permittedMs: row?.newest == null ? 0 : uuidV7TimeMs(row.newest), storedMs: Number(row?.stored ?? 0) };
  }

  async has(cid: ContentId): Promise<boolean> {
    return (await this.sizeOf(cid)) !== null;
  }

  /** Part of the caller's unit. Returns whether these bytes are new here: the same shard may be put many times. */
  async add(db: EntityManager, stored: StoredShard, atMs: UnixMs): Promise<boolean> {
    const { cid, sizeBytes } = stored.item;
    const added = await insertRows(db, { table: 'shard', columns: ['cid', 'size_bytes'], onConflict: 'skip' }, [
      [cid, sizeBytes],
    ]);
    await insertRows(
      db,
      { table: 'shard_ref', columns: ['cid', 'transaction_id', 'client_id', 'stored_ms'], onConflict: 'skip' },
      [[cid, stored.token.transactionId, stored.token.clientId, atMs]],
    );
    if (added === 1) await countShard(db, sizeBytes);
    const { retainUntilMs = 0 } = stored.token;
    // Raised and never lowered: what one put promised, no later one takes back.
    await changeOne(db, 'UPDATE shard SET retain_until_ms = $1 WHERE cid = $2 AND retain_until_ms < $3', [
      retainUntilMs,
      cid,
      retainUntilMs,
    ]);
    return added === 1;
  }

  /** Part of the caller's unit: the shard is there no more. Its bytes count as used until they leave the trash. */
  moveToTrash(db: EntityManager, { item, token, atMs }: DeletedShard): Promise<void> {
    return this.trashRow(db, item, { transactionId: token.transactionId, atMs });
  }

  /** As moveToTrash, of a shard that no transaction has deleted: it is spoiled, or the broker does not know it. */
  moveOwnToTrash(db: EntityManager, item: TokenItem, by: TrashedBy, atMs: UnixMs): Promise<void> {
    return this.trashRow(db, item, { transactionId: by, atMs });
  }

  /** What went into the trash because the broker did not know it, the newest first. */
  async putAway(): Promise<TrashedShard[]> {
    const rows = await this.database.reads.query<{ deleted_ms: number; cid: ContentId; size_bytes: number }[]>(
      `SELECT deleted_ms, cid, size_bytes FROM trash WHERE transaction_id = $1
       ORDER BY deleted_ms DESC LIMIT ${PUT_AWAY_LOOKED_AT_MAX}`,
      ['keep-filter' satisfies TrashedBy],
    );
    return rows.map(trashedFrom);
  }

  /** Part of the caller's unit: the shard is there again. Returns whether it lay in the trash until now. */
  async takeBack(db: EntityManager, { cid, deletedMs, sizeBytes }: TrashedShard): Promise<boolean> {
    const removed = await changeOne(db, 'DELETE FROM trash WHERE deleted_ms = $1 AND cid = $2', [deletedMs, cid]);
    if (!removed) return false;
    await insertRows(db, { table: 'shard', columns: ['cid', 'size_bytes'] }, [[cid, sizeBytes]]);
    await countTakenBack(db);
    return true;
  }

  private async trashRow(
    db: EntityManager,
    item: TokenItem,
    { transactionId, atMs }: { readonly transactionId: string; readonly atMs: UnixMs },
  ): Promise<void> {
    await changeMany(db, 'DELETE FROM shard_ref WHERE cid = $1', [item.cid]);
    const removed = await changeOne(db, 'DELETE FROM shard WHERE cid = $1', [item.cid]);
    assert(removed, 'a shard went while it was held to be deleted');
    await uncountShard(db);
    // Deleted, put and deleted again within one moment: the second time counts as a moment later.
    const before = await latestDeletion(db, item.cid);
    const deletedMs = before === null ? atMs : Math.max(atMs, before + 1);
    await insertRows(db, { table: 'trash', columns: ['deleted_ms', 'cid', 'size_bytes', 'transaction_id'] }, [
      [deletedMs, item.cid, item.sizeBytes, transactionId],
    ]);
  }

  /** When the shard was last deleted, by the rows of the trash. */
  deletedAtMs(cid: ContentId): Promise<UnixMs | null> {
    return latestDeletion(this.database.reads, cid);
  }

  /** What was deleted at or before `atMs`, the oldest first. */
  async trashedBefore(atMs: UnixMs, count: number): Promise<TrashedShard[]> {
    const rows = await this.database.reads.query<{ deleted_ms: number; cid: ContentId; size_bytes: number }[]>(
      'SELECT deleted_ms, cid, size_bytes FROM trash WHERE deleted_ms <= $1 ORDER BY deleted_ms, cid LIMIT $2',
      [atMs, count],
    );
    return rows.map(trashedFrom);
  }

  /** Part of the caller's unit: its file is gone, and its bytes are used no more. Returns whether it was there. */
  async removeFromTrash(db: EntityManager, { cid, deletedMs, sizeBytes }: TrashedShard): Promise<boolean> {
    const removed = await changeOne(db, 'DELETE FROM trash WHERE deleted_ms = $1 AND cid = $2', [deletedMs, cid]);
    if (removed) await countEmptied(db, sizeBytes);
    return removed;
  }
}

export interface TrashedShard {
  readonly cid: ContentId;
  readonly deletedMs: UnixMs;
  readonly sizeBytes: number;
}

function trashedFrom(row: { deleted_ms: number; cid: ContentId; size_bytes: number }): TrashedShard {
  return { cid: row.cid, deletedMs: Number(row.deleted_ms), sizeBytes: Number(row.size_bytes) };
}

/** What lies in the trash by deletion, in bytes. */
export async function trashBytes(reads: EntityManager): Promise<number> {
  const [row] = await reads.query<{ bytes: number | null }[]>('SELECT sum(size_bytes) AS bytes FROM trash');
  return Number(row?.bytes ?? 0);
}

async function latestDeletion(reads: EntityManager, cid: ContentId): Promise<UnixMs | null> {
  const [row] = await reads.query<{ at: number | null }[]>('SELECT max(deleted_ms) AS at FROM trash WHERE cid = $1', [
    cid,
  ]);
  return row?.at == null ? null : Number(row.at);
}

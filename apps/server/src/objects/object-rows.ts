// The tables of objects and shards: what accounts have stored, and where each piece is.

import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders } from '#database';
import type { AccountId, ContentId, ObjectId, ObjectKind, PeerId, TransactionId } from '#protocol';

export interface StoredObject {
  readonly objectId: ObjectId;
  readonly accountId: AccountId;
  readonly kind: ObjectKind;
  readonly sizeBytes: number;
  readonly dataShards: number;
  readonly totalShards: number;
  /** So many stored shards make it safe; as the policy was when the object was begun. */
  readonly safeShards: number;
  readonly storedShards: number;
  readonly createdAtMs: number;
}

/**
 * `unplaced`: no host. `placing`: a put is under way. `stored`: a host signed a receipt, and the put is settled or its
 * credit is set aside.
 */
export type ShardState = 'unplaced' | 'placing' | 'stored';

export interface StoredShard {
  readonly objectId: ObjectId;
  readonly index: number;
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly state: ShardState;
  readonly hostId: PeerId | null;
  readonly transactionId: TransactionId | null;
}

export async function findObjects(db: EntityManager, ids: readonly ObjectId[]): Promise<Map<ObjectId, StoredObject>> {
  const rows = await db.query<ObjectRow[]>(`SELECT * FROM objects WHERE id IN ${placeholders(db, ids.length)}`, [
    ...ids,
  ]);
  return new Map(rows.map((row) => [row.id, objectFrom(row)]));
}

/** The safe objects of an account, oldest id first. */
export async function findSafeObjects(
  db: EntityManager,
  accountId: AccountId,
  page: { kind: ObjectKind | null; after: ObjectId | null; limit: number },
): Promise<StoredObject[]> {
  const conditions = ['account_id = $1', 'stored_shards >= safe_shards'];
  const parameters: string[] = [accountId];
  if (page.kind !== null) conditions.push(`kind = $${parameters.push(page.kind)}`);
  if (page.after !== null) conditions.push(`id > $${parameters.push(page.after)}`);
  const rows = await db.query<ObjectRow[]>(
    `SELECT * FROM objects WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ${page.limit}`,
    parameters,
  );
  return rows.map(objectFrom);
}

export async function findShards(db: EntityManager, objectIds: readonly ObjectId[]): Promise<StoredShard[]> {
  if (objectIds.length === 0) return [];
  const rows = await db.query<ShardRow[]>(
    `SELECT * FROM shards WHERE object_id IN ${placeholders(db, objectIds.length)} ORDER BY object_id, shard_index`,
    [...objectIds],
  );
  return rows.map(shardFrom);
}

export async function insertObjects(db: EntityManager, objects: readonly StoredObject[]): Promise<void> {
  await insertRows(
    db,
    {
      table: 'objects',
      columns: [
        'id',
        'account_id',
        'kind',
        'size_bytes',
        'data_shards',
        'total_shards',
        'safe_shards',
        'stored_shards',
        'created_at_ms',
      ],
    },
    objects.map((o) => [
      o.objectId,
      o.accountId,
      o.kind,
      o.sizeBytes,
      o.dataShards,
      o.totalShards,
      o.safeShards,
      o.storedShards,
      o.createdAtMs,
    ]),
  );
}

export async function insertShards(db: EntityManager, shards: readonly StoredShard[]): Promise<void> {
  await insertRows(
    db,
    {
      table: 'shards',
      columns: ['object_id', 'shard_index', 'cid', 'size_bytes', 'state', 'host_id', 'transaction_id'],
    },
    shards.map((s) => [s.objectId, s.index, s.cid, s.sizeBytes, s.state, s.hostId, s.transactionId]),
  );
}

/** Take back shards that are not stored, to insert them anew with another host. */
export async function deleteUnstoredShards(
  db: EntityManager,
  objectId: ObjectId,
  indexes: readonly number[],
): Promise<void> {
  if (indexes.length === 0) return;
  await changeMany(
    db,
    `DELETE FROM shards WHERE object_id = $1 AND state <> 'stored' AND shard_index IN ${placeholders(db, indexes.length, 2)}`,
    [objectId, ...indexes],
  );
}

/** These puts have receipts and are not void: their shards are where they put them, and their objects count them. */
export async function markStored(
  db: EntityManager,
  puts: { transactionIds: readonly TransactionId[]; objectIds: readonly ObjectId[] },
): Promise<void> {
  if (puts.transactionIds.length === 0) return;
  // A shard that another put has stored keeps that place: one place per shard is what restores look at.
  await changeMany(
    db,
    `UPDATE shards SET state = 'stored', host_id = t.host_id, transaction_id = t.id FROM transactions t
     WHERE t.id IN ${placeholders(db, puts.transactionIds.length)}
       AND shards.object_id = t.object_id AND shards.shard_index = t.shard_index AND shards.state <> 'stored'`,
    puts.transactionIds,
  );
  await changeMany(
    db,
    `UPDATE objects SET stored_shards =
       (SELECT COUNT(*) FROM shards WHERE shards.object_id = objects.id AND shards.state = 'stored')
     WHERE id IN ${placeholders(db, puts.objectIds.length)}`,
    puts.objectIds,
  );
}

/** These puts ended without a receipt: their shards have no host. */
export async function markUnplaced(db: EntityManager, transactionIds: readonly TransactionId[]): Promise<void> {
  if (transactionIds.length === 0) return;
  await changeMany(
    db,
    `UPDATE shards SET state = 'unplaced', host_id = NULL, transaction_id = NULL
     FROM transactions t WHERE t.id IN ${placeholders(db, transactionIds.length)}
       AND shards.object_id = t.object_id AND shards.shard_index = t.shard_index
       AND shards.transaction_id = t.id AND shards.state = 'placing'`,
    transactionIds,
  );
}

/** What a host holds for others. */
export async function countHeld(db: EntityManager, hostId: PeerId): Promise<{ shards: number; bytes: number }> {
  const [row] = await db.query<{ shards: number | string; bytes: number | string | null }[]>(
    "SELECT COUNT(*) AS shards, SUM(size_bytes) AS bytes FROM shards WHERE host_id = $1 AND state = 'stored'",
    [hostId],
  );
  return { shards: Number(row?.shards ?? 0), bytes: Number(row?.bytes ?? 0) };
}

interface ObjectRow {
  id: ObjectId;
  account_id: AccountId;
  kind: ObjectKind;
  size_bytes: number | string;
  data_shards: number;
  total_shards: number;
  safe_shards: number;
  stored_shards: number;
  created_at_ms: number | string;
}

interface ShardRow {
  object_id: ObjectId;
  shard_index: number;
  cid: ContentId;
  size_bytes: number | string;
  state: ShardState;
  host_id: PeerId | null;
  transaction_id: TransactionId | null;
}

function objectFrom(row: ObjectRow): StoredObject {
  return {
    objectId: row.id,
    accountId: row.account_id,
    kind: row.kind,
    sizeBytes: Number(row.size_bytes),
    dataShards: row.data_shards,
    totalShards: row.total_shards,
    safeShards: row.safe_shards,
    storedShards: row.stored_shards,
    createdAtMs: Number(row.created_at_ms),
  };
}

function shardFrom(row: ShardRow): StoredShard {
  return {
    objectId: row.object_id,
    index: row.shard_index,
    cid: row.cid,
    sizeBytes: Number(row.size_bytes),
    state: row.state,
    hostId: row.host_id,
    transactionId: row.transaction_id,
  };
}

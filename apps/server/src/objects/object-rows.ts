// The tables of objects and shards: what accounts have stored, and where each piece is.

import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders } from '#database';
import type {
  AccountId,
  ContentId,
  GroupId,
  HostWishes,
  ObjectId,
  ObjectKind,
  PeerId,
  Requester,
  TransactionId,
} from '#protocol';

export interface StoredObject {
  readonly objectId: ObjectId;
  readonly accountId: AccountId;
  /** Whose machine began it; null for one of which that was not written down. */
  readonly clientId: Requester | null;
  readonly kind: ObjectKind;
  readonly sizeBytes: number;
  readonly dataShards: number;
  readonly totalShards: number;
  /** So many stored shards make it safe; as the policy was when the object was begun. */
  readonly safeShards: number;
  readonly storedShards: number;
  readonly createdAtMs: number;
  /** A deleted object is in no list; it is remembered while hosts have shards of it, which are unwanted. */
  readonly deletedAtMs: number | null;
  /** What the puts of its shards said; whether a shard may go is decided by the shard's own. */
  readonly retainUntilMs: number | null;
  /** The name of the class that it began with: how it is coded, and what its shards cost. */
  readonly durability: string;
  /** Which hosts its owner wished when it began: no others get shards of it. */
  readonly wishes: HostWishes;
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
  /** Of the put; null without one, and when its transaction was settled so long ago that it has been summed up. */
  readonly transactionId: TransactionId | null;
  readonly transactionItem: number;
  /** Until then no host deletes it, whoever asks. */
  readonly retainUntilMs: number | null;
  /** What it costs its account, settled; a lost shard keeps it for its next host. */
  readonly charge: number;
}

export async function findObjects(db: EntityManager, ids: readonly ObjectId[]): Promise<Map<ObjectId, StoredObject>> {
  const rows = await db.query<ObjectRow[]>(`SELECT * FROM objects WHERE id IN ${placeholders(db, ids.length)}`, [
    ...ids,
  ]);
  return new Map(rows.map((row) => [row.id, objectFrom(row)]));
}

/** The objects of an account that are safe, or deleted and not forgotten yet; oldest id first. */
export async function findObjectsOf(
  db: EntityManager,
  accountId: AccountId,
  page: { state: 'safe' | 'deleted'; kind: ObjectKind | null; after: ObjectId | null; limit: number },
): Promise<StoredObject[]> {
  const isInState =
    page.state === 'deleted' ? 'deleted_at_ms IS NOT NULL' : 'stored_shards >= safe_shards AND deleted_at_ms IS NULL';
  const conditions = ['account_id = $1', isInState];
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

/** The shards of each object, in the order given. */
export function shardsByObject(shards: readonly StoredShard[]): Map<ObjectId, StoredShard[]> {
  const groups = new Map<ObjectId, StoredShard[]>();
  for (const shard of shards) {
    const group = groups.get(shard.objectId);
    if (group === undefined) groups.set(shard.objectId, [shard]);
    else group.push(shard);
  }
  return groups;
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
        'retain_until_ms',
        'durability',
        'wished_regions',
        'wished_group',
        'client_id',
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
      o.retainUntilMs,
      o.durability,
      o.wishes.regions?.join(',') ?? null,
      o.wishes.group ?? null,
      o.clientId,
    ]),
  );
}

export async function insertShards(db: EntityManager, shards: readonly StoredShard[]): Promise<void> {
  await insertRows(
    db,
    {
      table: 'shards',
      columns: [
        'object_id',
        'shard_index',
        'cid',
        'size_bytes',
        'state',
        'host_id',
        'transaction_id',
        'transaction_item',
        'retain_until_ms',
        'charge',
      ],
    },
    shards.map((s) => [
      s.objectId,
      s.index,
      s.cid,
      s.sizeBytes,
      s.state,
      s.hostId,
      s.transactionId,
      s.transactionItem,
      s.retainUntilMs,
      s.charge,
    ]),
  );
}

/** Take back shards that are not stored: to insert them anew with another host, or for good. */
export async function deleteUnstoredShards(
  db: EntityManager,
  shards: readonly Pick<StoredShard, 'objectId' | 'index'>[],
): Promise<void> {
  await deleteAmong(db, shards, "AND state <> 'stored'");
}

/** From now on these objects are in no list. Those deleted before keep the time of that. */
export async function markDeleted(db: EntityManager, objectIds: readonly ObjectId[], nowMs: number): Promise<void> {
  if (objectIds.length === 0) return;
  await changeMany(
    db,
    `UPDATE objects SET deleted_at_ms = $1 WHERE deleted_at_ms IS NULL AND id IN ${placeholders(db, objectIds.length, 2)}`,
    [nowMs, ...objectIds],
  );
}

/** Forget shards, whatever became of them. */
export async function deleteShards(
  db: EntityManager,
  shards: readonly Pick<StoredShard, 'objectId' | 'index'>[],
): Promise<void> {
  await deleteAmong(db, shards, '');
}

async function deleteAmong(
  db: EntityManager,
  shards: readonly Pick<StoredShard, 'objectId' | 'index'>[],
  condition: string,
): Promise<void> {
  for (const [objectId, indexes] of indexesByObject(shards)) {
    await changeMany(
      db,
      `DELETE FROM shards WHERE object_id = $1 AND shard_index IN ${placeholders(db, indexes.length, 2)} ${condition}`,
      [objectId, ...indexes],
    );
  }
}

/** What a host holds for others. */
export async function countHeld(db: EntityManager, hostId: PeerId): Promise<{ shards: number; bytes: number }> {
  const [row] = await db.query<{ shards: number | string; bytes: number | string | null }[]>(
    "SELECT COUNT(*) AS shards, SUM(size_bytes) AS bytes FROM shards WHERE host_id = $1 AND state = 'stored'",
    [hostId],
  );
  return { shards: Number(row?.shards ?? 0), bytes: Number(row?.bytes ?? 0) };
}

function indexesByObject(shards: readonly Pick<StoredShard, 'objectId' | 'index'>[]): Map<ObjectId, number[]> {
  const groups = new Map<ObjectId, number[]>();
  for (const { objectId, index } of shards) {
    const group = groups.get(objectId);
    if (group === undefined) groups.set(objectId, [index]);
    else group.push(index);
  }
  return groups;
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
  deleted_at_ms: number | string | null;
  retain_until_ms: number | string | null;
  durability: string;
  wished_regions: string | null;
  wished_group: GroupId | null;
  client_id: Requester | null;
}

interface ShardRow {
  object_id: ObjectId;
  shard_index: number;
  cid: ContentId;
  size_bytes: number | string;
  state: ShardState;
  host_id: PeerId | null;
  transaction_id: TransactionId | null;
  transaction_item: number;
  retain_until_ms: number | string | null;
  charge: number | string;
}

function objectFrom(row: ObjectRow): StoredObject {
  return {
    objectId: row.id,
    accountId: row.account_id,
    clientId: row.client_id,
    kind: row.kind,
    sizeBytes: Number(row.size_bytes),
    dataShards: row.data_shards,
    totalShards: row.total_shards,
    safeShards: row.safe_shards,
    storedShards: row.stored_shards,
    createdAtMs: Number(row.created_at_ms),
    deletedAtMs: row.deleted_at_ms === null ? null : Number(row.deleted_at_ms),
    retainUntilMs: row.retain_until_ms === null ? null : Number(row.retain_until_ms),
    durability: row.durability,
    wishes: {
      ...(row.wished_regions !== null && { regions: row.wished_regions.split(',') }),
      ...(row.wished_group !== null && { group: row.wished_group }),
    },
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
    transactionItem: row.transaction_item,
    retainUntilMs: row.retain_until_ms === null ? null : Number(row.retain_until_ms),
    charge: Number(row.charge),
  };
}

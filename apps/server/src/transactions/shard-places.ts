// What the ends of transactions mean for shards: stored where a put left them, without a host, or forgotten.

import type { EntityManager } from 'typeorm';
import { changeMany, placeholders } from '#database';
import type { ObjectId } from '#protocol';
import type { StoredShard } from '../objects/object-rows.js';
import type { ShardCharges, ShardName } from './shard-charges.js';
import {
  inStatements,
  isOneOf,
  type NewTransaction,
  partValues,
  type Transaction,
  tuples,
} from './transaction-rows.js';

/** Part of whose unit, and when. */
interface ChargesNow {
  readonly charges: ShardCharges;
  readonly nowMs: number;
}

/**
 * These puts have receipts and are not void: their shards are where they put them, and their objects count them. What
 * the place before cost is given back, unless the put costs nothing: then the price that was agreed goes on.
 */
export async function markStored(
  db: EntityManager,
  puts: readonly Transaction[],
  { charges, nowMs }: ChargesNow,
): Promise<void> {
  for (const some of inStatements(puts.filter(({ objectId }) => objectId !== null))) {
    const stored = await storeAt(db, some, "shards.state <> 'stored' AND (shards.charge = 0 OR t.charge = 0)");
    if (stored === some.length) continue;
    const isMove = 'shards.move_transaction_id = t.id AND shards.move_transaction_item = t.item';
    const isLeft = `(shards.state <> 'stored' OR (${isMove}))`;
    const left = await db.query<{ object_id: ObjectId; shard_index: number; cost: number | string }[]>(
      `SELECT shards.object_id AS object_id, shards.shard_index AS shard_index, t.charge AS cost FROM shards
       JOIN transactions t ON shards.object_id = t.object_id AND shards.shard_index = t.shard_index
       WHERE ${isOneOf(db, some, 1, 't.')} AND ${isLeft} AND ${IS_THIS_SHARD}`,
      partValues(some),
    );
    if (left.length === 0) continue;
    const nameOf = (row: (typeof left)[number]): ShardName => ({ objectId: row.object_id, index: row.shard_index });
    const isPaid = (row: (typeof left)[number]): boolean => Number(row.cost) > 0;
    await charges.releaseShards(db, left.filter(isPaid).map(nameOf), nowMs);
    await charges.keepCharges(db, left.filter((row) => !isPaid(row)).map(nameOf), nowMs);
    await storeAt(db, some, isLeft);
  }
  await countStored(db, objectsOf(puts));
}

/** Returns how many shards these puts have stored. */
function storeAt(db: EntityManager, puts: readonly Transaction[], condition: string): Promise<number> {
  // A shard that another put has stored keeps that place: one place per shard is what restores look at. An id that was
  // deleted may be used again for other content, which a late put of the old one neither stores nor pays for. Since a
  // shard was placed anew, the host of the put before may have been chosen for another shard: no host has two.
  return changeMany(
    db,
    `UPDATE shards SET state = 'stored', host_id = t.host_id, transaction_id = t.id, transaction_item = t.item,
       move_transaction_id = NULL, move_transaction_item = 0
     FROM transactions t WHERE ${isOneOf(db, puts, 1, 't.')}
       AND shards.object_id = t.object_id AND shards.shard_index = t.shard_index
       AND (${condition}) AND ${IS_THIS_SHARD}`,
    partValues(puts),
  );
}

const IS_THIS_SHARD = `shards.cid = t.cid AND shards.size_bytes = t.size_bytes
  AND (shards.transaction_id = t.id OR NOT EXISTS (SELECT 1 FROM shards others WHERE others.object_id = t.object_id
    AND others.host_id = t.host_id AND others.shard_index <> t.shard_index))`;

/** Each of these stored shards stays where it is until the put has brought it to its host; the latest such put counts. */
export async function markMoving(
  db: EntityManager,
  moves: readonly { readonly shard: StoredShard; readonly put: NewTransaction }[],
): Promise<void> {
  for (const { shard, put } of moves) {
    await changeMany(
      db,
      `UPDATE shards SET move_transaction_id = $1, move_transaction_item = $2
       WHERE object_id = $3 AND shard_index = $4 AND state = 'stored'`,
      [put.id, put.item, shard.objectId, shard.index],
    );
  }
}

/** These shards stay where they are, whoever was to bring them elsewhere. */
export async function cancelMoves(db: EntityManager, shards: readonly ShardName[]): Promise<void> {
  for (const some of inStatements(shards)) {
    await changeMany(
      db,
      `UPDATE shards SET move_transaction_id = NULL, move_transaction_item = 0 WHERE move_transaction_id IS NOT NULL
         AND (object_id, shard_index) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'integer'] })}`,
      some.flatMap(({ objectId, index }) => [objectId, index]),
    );
  }
}

/** These puts ended without a receipt: their shards have no host. Those of deleted objects are forgotten. */
export async function markUnplaced(db: EntityManager, puts: readonly Transaction[], parts: ChargesNow): Promise<void> {
  for (const some of inStatements(puts)) {
    await changeMany(
      db,
      `UPDATE shards SET state = 'unplaced', host_id = NULL, transaction_id = NULL, transaction_item = 0
       FROM transactions t WHERE ${isOneOf(db, some, 1, 't.')}
         AND shards.object_id = t.object_id AND shards.shard_index = t.shard_index
         AND shards.transaction_id = t.id AND shards.transaction_item = t.item AND shards.state = 'placing'`,
      partValues(some),
    );
  }
  await forgetUnplacedOfDeleted(db, objectsOf(puts), parts);
}

/** These transactions are about to be summed up: the shards that they stored no longer name them. */
export async function unlinkShards(db: EntityManager, settled: readonly Transaction[]): Promise<void> {
  const puts = settled.filter(({ op, objectId }) => op === 'put' && objectId !== null);
  for (const some of inStatements(puts)) {
    await changeMany(
      db,
      `UPDATE shards SET transaction_id = NULL, transaction_item = 0 FROM transactions t
       WHERE ${isOneOf(db, some, 1, 't.')} AND shards.object_id = t.object_id AND shards.shard_index = t.shard_index
         AND shards.host_id = t.host_id AND shards.transaction_id = t.id AND shards.transaction_item = t.item
         AND shards.state = 'stored'`,
      partValues(some),
    );
  }
}

/** The hosts of these deletions have the shards no more. A deleted object goes with its last shard. */
export async function forgetShards(
  db: EntityManager,
  deletions: readonly Transaction[],
  { charges, nowMs }: ChargesNow,
): Promise<void> {
  const ofObjects = deletions.filter(({ objectId }) => objectId !== null);
  for (const some of inStatements(ofObjects)) {
    // Only what the deletion was about: the same shard of an object may have been put elsewhere, or be other content by now.
    const among = `(object_id, host_id, shard_index, cid) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'text', 'integer', 'text'] })}`;
    const values = some.flatMap(({ objectId, hostId, shardIndex, cid }) => [objectId, hostId, shardIndex, cid]);
    const rows = await db.query<{ object_id: ObjectId; shard_index: number }[]>(
      `SELECT object_id, shard_index FROM shards WHERE ${among}`,
      values,
    );
    await charges.releaseShards(
      db,
      rows.map((row): ShardName => ({ objectId: row.object_id, index: row.shard_index })),
      nowMs,
    );
    await changeMany(db, `DELETE FROM shards WHERE ${among}`, values);
  }
  const ofGroups = deletions.flatMap(({ groupId, hostId, cid }) =>
    groupId === null || cid === null ? [] : [{ groupId, hostId, cid }],
  );
  await charges.releaseContents(db, ofGroups, nowMs);
  for (const some of inStatements(ofGroups)) {
    await changeMany(
      db,
      `DELETE FROM group_contents WHERE (group_id, host_id, cid) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'text', 'text'] })}`,
      some.flatMap(({ groupId, hostId, cid }) => [groupId, hostId, cid]),
    );
  }
  await forgetEmptyObjects(db, objectsOf(deletions));
}

/**
 * These stored shards are no more where they were: they have no host, and cost what they did. Those of deleted objects
 * are forgotten.
 */
export async function markLost(db: EntityManager, lost: readonly ShardName[], parts: ChargesNow): Promise<void> {
  await parts.charges.keepCharges(db, lost, parts.nowMs);
  for (const some of inStatements(lost)) {
    await changeMany(
      db,
      `UPDATE shards SET state = 'unplaced', lost_host_id = host_id, host_id = NULL, transaction_id = NULL,
         transaction_item = 0, move_transaction_id = NULL, move_transaction_item = 0
       WHERE state = 'stored' AND (object_id, shard_index) IN ${tuples(db, { count: some.length, first: 1, columns: ['text', 'integer'] })}`,
      some.flatMap(({ objectId, index }) => [objectId, index]),
    );
  }
  const objectIds = [...new Set(lost.map(({ objectId }) => objectId))];
  await countStored(db, objectIds);
  await forgetUnplacedOfDeleted(db, objectIds, parts);
}

/** Deleted objects that no host has anything of any more. */
export async function forgetEmptyObjects(db: EntityManager, objectIds: readonly ObjectId[]): Promise<void> {
  for (const some of inStatements(objectIds)) {
    await changeMany(
      db,
      `DELETE FROM objects WHERE id IN ${placeholders(db, some.length)} AND deleted_at_ms IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM shards WHERE shards.object_id = objects.id)`,
      some,
    );
  }
}

async function forgetUnplacedOfDeleted(
  db: EntityManager,
  objectIds: readonly ObjectId[],
  { charges, nowMs }: ChargesNow,
): Promise<void> {
  for (const some of inStatements(objectIds)) {
    const isForgotten = `state = 'unplaced'
      AND object_id IN (SELECT id FROM objects WHERE id IN ${placeholders(db, some.length)} AND deleted_at_ms IS NOT NULL)`;
    const rows = await db.query<{ object_id: ObjectId; shard_index: number }[]>(
      `SELECT object_id, shard_index FROM shards WHERE charge > 0 AND ${isForgotten}`,
      some,
    );
    const charged = rows.map((row): ShardName => ({ objectId: row.object_id, index: row.shard_index }));
    await charges.releaseShards(db, charged, nowMs);
    await changeMany(db, `DELETE FROM shards WHERE ${isForgotten}`, some);
  }
  await forgetEmptyObjects(db, objectIds);
}

async function countStored(db: EntityManager, objectIds: readonly ObjectId[]): Promise<void> {
  for (const some of inStatements(objectIds)) {
    await changeMany(
      db,
      `UPDATE objects SET stored_shards =
         (SELECT COUNT(*) FROM shards WHERE shards.object_id = objects.id AND shards.state = 'stored')
       WHERE id IN ${placeholders(db, some.length)}`,
      some,
    );
  }
}

function objectsOf(transactions: readonly Transaction[]): ObjectId[] {
  return [...new Set(transactions.flatMap(({ objectId }) => (objectId === null ? [] : [objectId])))];
}

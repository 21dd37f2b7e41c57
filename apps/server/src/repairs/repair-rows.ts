// The table of objects that wait for repair, or are being repaired.
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders } from '#database';
import type { AccountId, ObjectId } from '#protocol';
import type { AssessedObject } from './assess-objects.js';

export interface WaitingRepair {
  readonly objectId: ObjectId;
  readonly accountId: AccountId;
  readonly dueSinceMs: number;
  readonly attempts: number;
}

/** Objects that are due, as they are at this moment. Returns those that were not in the queue. */
export async function queueRepairs(
  db: EntityManager,
  assessed: readonly AssessedObject[],
  nowMs: number,
): Promise<ObjectId[]> {
  const isNew: ObjectId[] = [];
  for (const { object, sound, away, missing, decision } of assessed) {
    const values = [
      object.objectId,
      object.accountId,
      object.sizeBytes,
      object.dataShards,
      object.totalShards,
      sound,
      away,
      missing.length,
      Math.min(Number.MAX_SAFE_INTEGER, Math.round(decision.expectedTimeToLossMs)),
      decision.isUrgent ? 1 : 0,
    ];
    const into = { table: 'repairs', columns: [...MEASURED, ...BEGUN], onConflict: 'skip' } as const;
    if ((await insertRows(db, into, [[...values, 'waiting', nowMs, nowMs, 0]])) === 1) {
      isNew.push(object.objectId);
      continue;
    }
    await changeMany(
      db,
      `UPDATE repairs SET sound = $1, away = $2, missing = $3, time_to_loss_ms = $4, urgent = $5 WHERE object_id = $6`,
      [...values.slice(5), object.objectId],
    );
  }
  return isNew;
}

const MEASURED = [
  'object_id',
  'account_id',
  'size_bytes',
  'data_shards',
  'total_shards',
  'sound',
  'away',
  'missing',
  'time_to_loss_ms',
  'urgent',
] as const;
const BEGUN = ['state', 'due_since_ms', 'not_before_ms', 'attempts'] as const;

/** These need no repair, or are no more. One that a worker is at ends with its task. */
export async function dropRepairs(db: EntityManager, objectIds: readonly ObjectId[]): Promise<number> {
  if (objectIds.length === 0) return 0;
  return changeMany(
    db,
    `DELETE FROM repairs WHERE state = 'waiting' AND object_id IN ${placeholders(db, objectIds.length)}`,
    [...objectIds],
  );
}

/** No more than so many wait; the least urgent ones are found again by the next sweep. */
export async function boundRepairs(db: EntityManager, waitingMax: number): Promise<number> {
  const [row] = await db.query<{ waiting: number | string }[]>(
    "SELECT COUNT(*) AS waiting FROM repairs WHERE state = 'waiting'",
  );
  const surplus = Number(row?.waiting ?? 0) - waitingMax;
  if (surplus <= 0) return 0;
  return changeMany(
    db,
    `DELETE FROM repairs WHERE object_id IN (SELECT object_id FROM repairs WHERE state = 'waiting'
       ORDER BY time_to_loss_ms DESC, object_id DESC LIMIT ${surplus})`,
    [],
  );
}

/**
 * What this worker may begin, the most urgent first: its own account's at once, others' when their owners had their time
 * or it is urgent, and none that a machine of its operator failed at since `failedSinceMs`.
 */
export async function findRepairsFor(
  db: EntityManager,
  worker: { readonly accountId: AccountId; readonly objectBytesMax: number },
  when: { readonly nowMs: number; readonly dueBeforeMs: number; readonly failedSinceMs: number },
  limit: number,
): Promise<WaitingRepair[]> {
  const rows = await db.query<
    { object_id: ObjectId; account_id: AccountId; due_since_ms: number | string; attempts: number }[]
  >(
    `SELECT object_id, account_id, due_since_ms, attempts FROM repairs r
     WHERE state = 'waiting' AND not_before_ms <= $1 AND size_bytes <= $2
       AND (urgent = 1 OR due_since_ms <= $3 OR account_id = $4)
       AND NOT EXISTS (SELECT 1 FROM repair_tasks t WHERE t.object_id = r.object_id AND t.worker_account_id = $4
         AND t.state = 'failed' AND t.begun_at_ms > $5)
     ORDER BY time_to_loss_ms, object_id LIMIT ${limit}`,
    [when.nowMs, worker.objectBytesMax, when.dueBeforeMs, worker.accountId, when.failedSinceMs],
  );
  return rows.map((row) => ({
    objectId: row.object_id,
    accountId: row.account_id,
    dueSinceMs: Number(row.due_since_ms),
    attempts: row.attempts,
  }));
}

/** False when somebody else took it meanwhile. */
export async function takeRepair(db: EntityManager, objectId: ObjectId): Promise<boolean> {
  const taken = await changeMany(
    db,
    "UPDATE repairs SET state = 'running' WHERE object_id = $1 AND state = 'waiting'",
    [objectId],
  );
  return taken === 1;
}

/** It waits again, no sooner than this. */
export async function postponeRepair(
  db: EntityManager,
  { objectId, attempts, notBeforeMs }: { objectId: ObjectId; attempts: number; notBeforeMs: number },
): Promise<void> {
  await changeMany(db, "UPDATE repairs SET state = 'waiting', attempts = $1, not_before_ms = $2 WHERE object_id = $3", [
    attempts,
    notBeforeMs,
    objectId,
  ]);
}

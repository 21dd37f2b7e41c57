// The tables of tasks that workers took: whose, about which shards of which object, and what became of them.
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import type { AccountId, ContentId, ObjectId, PeerId, TaskId, TransactionId } from '#protocol';

export type TaskState = 'running' | 'done' | 'partly' | 'failed';

export interface RepairTaskRow {
  readonly taskId: TaskId;
  readonly objectId: ObjectId;
  readonly accountId: AccountId;
  readonly workerId: PeerId;
  readonly workerAccountId: AccountId;
  readonly shards: number;
  readonly dueSinceMs: number;
  readonly begunAtMs: number;
  readonly expiresAtMs: number;
}

export interface RepairShardRow {
  readonly taskId: TaskId;
  readonly index: number;
  readonly transactionId: TransactionId;
  readonly hostId: PeerId;
  readonly hostAccountId: AccountId;
  /** Who lost it; null where nobody did, as for the shard of a host that leaves. */
  readonly lostHostId: PeerId | null;
  readonly sizeBytes: number;
}

export async function insertTask(
  db: EntityManager,
  task: RepairTaskRow,
  shards: readonly RepairShardRow[],
): Promise<void> {
  await insertRows(
    db,
    {
      table: 'repair_tasks',
      columns: [
        'id',
        'object_id',
        'account_id',
        'worker_id',
        'worker_account_id',
        'state',
        'shards',
        'repaired',
        'due_since_ms',
        'begun_at_ms',
        'expires_at_ms',
      ],
    },
    [
      [
        task.taskId,
        task.objectId,
        task.accountId,
        task.workerId,
        task.workerAccountId,
        'running',
        task.shards,
        0,
        task.dueSinceMs,
        task.begunAtMs,
        task.expiresAtMs,
      ],
    ],
  );
  await insertRows(
    db,
    {
      table: 'repair_shards',
      columns: [
        'task_id',
        'shard_index',
        'transaction_id',
        'host_id',
        'host_account_id',
        'lost_host_id',
        'size_bytes',
        'reward',
        'rewarded_bytes',
      ],
    },
    shards.map((shard) => [
      shard.taskId,
      shard.index,
      shard.transactionId,
      shard.hostId,
      shard.hostAccountId,
      shard.lostHostId,
      shard.sizeBytes,
      shard.lostHostId === null ? 'none' : 'open',
      0,
    ]),
  );
}

interface TaskRow {
  id: TaskId;
  object_id: ObjectId;
  account_id: AccountId;
  worker_id: PeerId;
  worker_account_id: AccountId;
  shards: number;
  due_since_ms: number | string;
  begun_at_ms: number | string;
  expires_at_ms: number | string;
}

export async function findRunningTask(
  db: EntityManager,
  { taskId, workerId }: { taskId: TaskId; workerId: PeerId },
): Promise<RepairTaskRow | null> {
  const [row] = await db.query<TaskRow[]>(
    "SELECT * FROM repair_tasks WHERE id = $1 AND worker_id = $2 AND state = 'running'",
    [taskId, workerId],
  );
  return row === undefined ? null : taskFrom(row);
}

/** Tasks whose life is over. */
export async function findExpiredTasks(db: EntityManager, nowMs: number, limit: number): Promise<RepairTaskRow[]> {
  const rows = await db.query<TaskRow[]>(
    `SELECT * FROM repair_tasks WHERE state = 'running' AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT ${limit}`,
    [nowMs],
  );
  return rows.map(taskFrom);
}

export interface TaskCounts {
  readonly running: number;
  /** Accounts at whose objects it failed, and accounts for which it did all there was to do. */
  readonly failedFor: number;
  readonly doneFor: number;
}

/**
 * Tasks that a worker has, and how those of its operator went since then. Failures count by the owners of the objects:
 * one who stores what cannot be rebuilt must not make workers out to be at fault.
 */
export async function countTasks(
  db: EntityManager,
  worker: { readonly peerId: PeerId; readonly accountId: AccountId },
  sinceMs: number,
): Promise<TaskCounts> {
  const [has] = await db.query<{ tasks: number | string }[]>(
    "SELECT COUNT(*) AS tasks FROM repair_tasks WHERE worker_id = $1 AND state = 'running'",
    [worker.peerId],
  );
  const rows = await db.query<{ state: TaskState; owners: number | string }[]>(
    `SELECT state, COUNT(DISTINCT account_id) AS owners FROM repair_tasks
     WHERE worker_account_id = $1 AND begun_at_ms > $2 AND state IN ('done', 'failed') GROUP BY state`,
    [worker.accountId, sinceMs],
  );
  const owners = new Map(rows.map((row) => [row.state, Number(row.owners)]));
  return {
    running: Number(has?.tasks ?? 0),
    failedFor: owners.get('failed') ?? 0,
    doneFor: owners.get('done') ?? 0,
  };
}

/** Which shards of a task are where it was to bring them. */
export async function countRepaired(db: EntityManager, { taskId, objectId }: RepairTaskRow): Promise<number> {
  const [row] = await db.query<{ shards: number | string }[]>(
    `SELECT COUNT(*) AS shards FROM repair_shards r JOIN shards s ON s.object_id = $1 AND s.shard_index = r.shard_index
     WHERE r.task_id = $2 AND s.state = 'stored' AND s.transaction_id = r.transaction_id AND s.host_id = r.host_id`,
    [objectId, taskId],
  );
  return Number(row?.shards ?? 0);
}

/**
 * What a task has not brought to its hosts is nobody's promise any more: shards without a host wait again, and those that
 * were to move stay. A put that comes late still counts where its shard has no other host.
 */
export async function freeShards(db: EntityManager, { taskId, objectId }: RepairTaskRow): Promise<void> {
  const ofTask = 'transaction_id IN (SELECT transaction_id FROM repair_shards WHERE task_id = $2)';
  await changeMany(
    db,
    `UPDATE shards SET state = 'unplaced', host_id = NULL, transaction_id = NULL, transaction_item = 0
     WHERE object_id = $1 AND state = 'placing' AND ${ofTask}`,
    [objectId, taskId],
  );
  await changeMany(
    db,
    `UPDATE shards SET move_transaction_id = NULL, move_transaction_item = 0
     WHERE object_id = $1 AND state = 'stored' AND move_${ofTask}`,
    [objectId, taskId],
  );
}

export async function endTask(
  db: EntityManager,
  taskId: TaskId,
  end: { state: TaskState; cause: string | null; repaired: number; nowMs: number },
): Promise<void> {
  await changeMany(
    db,
    'UPDATE repair_tasks SET state = $1, cause = $2, repaired = $3, ended_at_ms = $4 WHERE id = $5',
    [end.state, end.cause, end.repaired, end.nowMs, taskId],
  );
}

/** A shard that has no host is on its way to one. */
export async function markPlacing(
  db: EntityManager,
  put: {
    objectId: ObjectId;
    index: number;
    cid: ContentId;
    hostId: PeerId;
    transactionId: TransactionId;
    item: number;
  },
): Promise<void> {
  await changeMany(
    db,
    `UPDATE shards SET state = 'placing', host_id = $1, transaction_id = $2, transaction_item = $3
     WHERE object_id = $4 AND shard_index = $5 AND state = 'unplaced'`,
    [put.hostId, put.transactionId, put.item, put.objectId, put.index],
  );
}

/** What ended so long ago is told no more. */
export async function forgetTasks(db: EntityManager, endedBeforeMs: number): Promise<void> {
  await changeMany(
    db,
    `DELETE FROM repair_shards WHERE task_id IN (SELECT id FROM repair_tasks WHERE ended_at_ms < $1)`,
    [endedBeforeMs],
  );
  await changeMany(db, 'DELETE FROM repair_tasks WHERE ended_at_ms < $1', [endedBeforeMs]);
}

function taskFrom(row: TaskRow): RepairTaskRow {
  return {
    taskId: row.id,
    objectId: row.object_id,
    accountId: row.account_id,
    workerId: row.worker_id,
    workerAccountId: row.worker_account_id,
    shards: row.shards,
    dueSinceMs: Number(row.due_since_ms),
    begunAtMs: Number(row.begun_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
  };
}

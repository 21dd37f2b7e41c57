// GET /v1/admin/repairs, /tasks, /summary: what waits for repair, and what became of each try
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { Clock } from '#process';
import { accountIdField, formatTime, objectIdField, peerIdField, timeField } from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { type Page, pageFields, pageOf } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

type Numeric = number | string;

const DAY_MS = 86_400_000;
const STATES = ['waiting', 'running'] as const;
const TASK_STATES = ['running', 'done', 'partly', 'failed'] as const;

const repairsQuery = z.strictObject({
  state: z.enum(STATES).optional(),
  objectId: objectIdField.optional(),
  accountId: accountIdField.optional(),
  ...pageFields,
});
type RepairsQuery = z.infer<typeof repairsQuery>;

const listedRepair = z.strictObject({
  objectId: z.string(),
  accountId: z.string(),
  state: z.enum(STATES),
  sizeBytes: z.int().min(0),
  dataShards: z.int().min(1),
  totalShards: z.int().min(1),
  /** Shards at hosts that are there, at hosts that are shortly away, and those that are to be rebuilt. */
  sound: z.int().min(0),
  away: z.int().min(0),
  missing: z.int().min(0),
  timeToLossMs: z.int().min(0),
  dueSince: timeField,
  attempts: z.int().min(0),
});
type ListedRepair = z.infer<typeof listedRepair>;

interface RepairRow {
  object_id: string;
  account_id: string;
  state: ListedRepair['state'];
  size_bytes: Numeric;
  data_shards: number;
  total_shards: number;
  sound: number;
  away: number;
  missing: number;
  time_to_loss_ms: Numeric;
  due_since_ms: Numeric;
  attempts: number;
}

const tasksQuery = z.strictObject({
  state: z.enum(TASK_STATES).optional(),
  objectId: objectIdField.optional(),
  accountId: accountIdField.optional(),
  workerId: peerIdField.optional(),
  ...pageFields,
});
type TasksQuery = z.infer<typeof tasksQuery>;

const listedTask = z.strictObject({
  taskId: z.string(),
  objectId: z.string(),
  accountId: z.string(),
  workerId: z.string(),
  state: z.enum(TASK_STATES),
  /** Why not all of it was done, an error code. */
  cause: z.string().nullable(),
  shards: z.int().min(0),
  repaired: z.int().min(0),
  begunAt: timeField,
  endedAt: timeField.nullable(),
});
type ListedTask = z.infer<typeof listedTask>;

interface TaskRow {
  id: string;
  object_id: string;
  account_id: string;
  worker_id: string;
  state: ListedTask['state'];
  cause: string | null;
  shards: number;
  repaired: number;
  begun_at_ms: Numeric;
  ended_at_ms: Numeric | null;
}

const repairsSummary = z.strictObject({
  waiting: z.int().min(0),
  running: z.int().min(0),
  endedLastDay: z.int().min(0),
  failedLastDay: z.int().min(0),
  oldestWaitingMs: z.int().min(0).nullable(),
  shortestTimeToLossMs: z.int().min(0).nullable(),
});
type RepairsSummary = z.infer<typeof repairsSummary>;

@Controller('v1/admin/repairs')
export class AdminRepairsController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
  ) {}

  /** The queue, the most urgent first. */
  @Get()
  @AdminRoute({ role: 'viewer', answers: pageOf(listedRepair) })
  repairs(@Query({ schema: repairsQuery }) query: RepairsQuery): Promise<Page<ListedRepair>> {
    const list = {
      select: 'SELECT * FROM repairs',
      filters: [
        ['state = ?', query.state],
        ['object_id = ?', query.objectId],
        ['account_id = ?', query.accountId],
      ],
      order: [
        { column: 'time_to_loss_ms', kind: 'number' },
        { column: 'object_id', kind: 'text' },
      ],
    } as const;
    return readPage<RepairRow, ListedRepair>(this.database.reads, list, query, (row) => ({
      objectId: row.object_id,
      accountId: row.account_id,
      state: row.state,
      sizeBytes: Number(row.size_bytes),
      dataShards: row.data_shards,
      totalShards: row.total_shards,
      sound: row.sound,
      away: row.away,
      missing: row.missing,
      timeToLossMs: Number(row.time_to_loss_ms),
      dueSince: formatTime(Number(row.due_since_ms)),
      attempts: row.attempts,
    }));
  }

  /** Newest first. */
  @Get('tasks')
  @AdminRoute({ role: 'viewer', answers: pageOf(listedTask) })
  tasks(@Query({ schema: tasksQuery }) query: TasksQuery): Promise<Page<ListedTask>> {
    const list = {
      select: 'SELECT * FROM repair_tasks',
      filters: [
        ['state = ?', query.state],
        ['object_id = ?', query.objectId],
        ['account_id = ?', query.accountId],
        ['worker_id = ?', query.workerId],
      ],
      order: [{ column: 'id', kind: 'text' }],
      newestFirst: true,
    } as const;
    return readPage<TaskRow, ListedTask>(this.database.reads, list, query, (row) => ({
      taskId: row.id,
      objectId: row.object_id,
      accountId: row.account_id,
      workerId: row.worker_id,
      state: row.state,
      cause: row.cause,
      shards: row.shards,
      repaired: row.repaired,
      begunAt: formatTime(Number(row.begun_at_ms)),
      endedAt: row.ended_at_ms === null ? null : formatTime(Number(row.ended_at_ms)),
    }));
  }

  @Get('summary')
  @AdminRoute({ role: 'viewer', answers: repairsSummary })
  async summary(): Promise<RepairsSummary> {
    const nowMs = this.clock.nowMs();
    const [queue] = await this.database.reads.query<QueueSums[]>(
      `SELECT COALESCE(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0) AS waiting,
         COALESCE(SUM(CASE WHEN state = 'running' THEN 1 ELSE 0 END), 0) AS running,
         MIN(CASE WHEN state = 'waiting' THEN due_since_ms END) AS oldest_ms, MIN(time_to_loss_ms) AS shortest_ms
       FROM repairs`,
    );
    const [ended] = await this.database.reads.query<{ ended: Numeric; failed: Numeric }[]>(
      `SELECT COUNT(*) AS ended, COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) AS failed
       FROM repair_tasks WHERE ended_at_ms > $1`,
      [nowMs - DAY_MS],
    );
    return {
      waiting: Number(queue?.waiting ?? 0),
      running: Number(queue?.running ?? 0),
      endedLastDay: Number(ended?.ended ?? 0),
      failedLastDay: Number(ended?.failed ?? 0),
      oldestWaitingMs:
        queue === undefined || queue.oldest_ms === null ? null : Math.max(0, nowMs - Number(queue.oldest_ms)),
      shortestTimeToLossMs: queue === undefined || queue.shortest_ms === null ? null : Number(queue.shortest_ms),
    };
  }
}

interface QueueSums {
  waiting: Numeric;
  running: Numeric;
  oldest_ms: Numeric | null;
  shortest_ms: Numeric | null;
}

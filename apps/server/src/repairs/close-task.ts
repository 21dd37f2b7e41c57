// Ends a task, whatever became of it: what it repaired stands, what it did not is for another worker.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { Settings } from '../platform/settings.js';
import { RepairQueue } from './repair-queue.js';
import { postponeRepair } from './repair-rows.js';
import { retryAfterMs } from './retry-after.js';
import { countRepaired, endTask, freeShards, type RepairTaskRow, type TaskState } from './task-rows.js';

@Injectable()
export class CloseTask {
  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly queue: RepairQueue,
    private readonly metrics: BrokerMetrics,
  ) {}

  /** Part of the caller's unit. `cause`: why it is not all done, an error code; null where nobody says. */
  async run(db: EntityManager, task: RepairTaskRow, cause: string | null): Promise<TaskState> {
    const { taskId, objectId, workerId, shards } = task;
    const nowMs = this.clock.nowMs();
    const repaired = await countRepaired(db, task);
    await freeShards(db, task);
    const state = repaired === shards ? 'done' : repaired > 0 ? 'partly' : 'failed';
    const because = state === 'done' ? null : (cause ?? 'nothing_stored');
    await endTask(db, taskId, { state, cause: because, repaired, nowMs });
    const [row] = await db.query<{ attempts: number }[]>('SELECT attempts FROM repairs WHERE object_id = $1', [
      objectId,
    ]);
    const attempts = state === 'failed' ? (row?.attempts ?? 0) + 1 : 0;
    const waitMs = state === 'failed' ? retryAfterMs(attempts, this.settings.policy.repair) : 0;
    await postponeRepair(db, { objectId, attempts, notBeforeMs: nowMs + waitMs });
    await this.queue.look(db, [objectId], nowMs);
    this.metrics.repairs.inc({ outcome: state });
    const tookMs = nowMs - task.begunAtMs;
    if (repaired > 0) this.log.info({ event: 'repaired', objectId, taskId, workerId, shards: repaired, tookMs });
    if (because !== null) this.log.warn({ event: 'repair_failed', objectId, taskId, workerId, code: because });
    return state;
  }
}

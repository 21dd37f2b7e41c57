// Keeps the queue of repairs true, again and again: what was heard of objects and hosts, a slow look at all objects, tasks
// whose life is over, and what workers have earned.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, placeholders } from '#database';
import { Clock } from '#process';
import type { ObjectId } from '#protocol';
import {
  REPAIR_OBJECTS_PER_UNIT,
  REPAIR_PAGES_PER_RUN,
  REPAIR_TASKS_AT_ONCE_MAX,
  REPAIR_TASKS_KEPT_MS,
} from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { CloseTask } from './close-task.js';
import { isStarting } from './host-standing.js';
import { HostWalks } from './host-walks.js';
import { PayRepairs } from './pay-repairs.js';
import { RepairPace } from './repair-pace.js';
import { RepairQueue } from './repair-queue.js';
import { boundRepairs } from './repair-rows.js';
import { findExpiredTasks, forgetTasks } from './task-rows.js';

@Injectable()
export class TendRepairs {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly queue: RepairQueue,
    private readonly walks: HostWalks,
    private readonly closeTask: CloseTask,
    private readonly pay: PayRepairs,
    private readonly pace: RepairPace,
  ) {}

  async run(): Promise<void> {
    await this.endExpired();
    await this.pay.run();
    const { repair } = this.settings.policy;
    if (!repair.on) return;
    await this.pace.measure(this.database.reads);
    const { policy, startedAtMs } = this.settings;
    if (isStarting(policy, { nowMs: this.clock.nowMs(), startedAtMs })) return;
    await this.takeHints();
    await this.walks.run(REPAIR_PAGES_PER_RUN);
    await this.sweep(REPAIR_PAGES_PER_RUN);
    await this.database.write((db) => boundRepairs(db, repair.waitingMax));
    await this.database.write((db) => forgetTasks(db, this.clock.nowMs() - REPAIR_TASKS_KEPT_MS));
  }

  private async endExpired(): Promise<void> {
    let ended: number;
    do {
      ended = await this.database.write(async (db) => {
        const tasks = await findExpiredTasks(db, this.clock.nowMs(), REPAIR_TASKS_AT_ONCE_MAX);
        for (const task of tasks) await this.closeTask.run(db, task, 'task_expired');
        return tasks.length;
      });
    } while (ended === REPAIR_TASKS_AT_ONCE_MAX);
  }

  private async takeHints(): Promise<void> {
    let taken: number;
    do {
      taken = await this.database.write(async (db) => {
        const rows = await db.query<{ object_id: ObjectId }[]>(
          `SELECT object_id FROM repair_hints ORDER BY object_id LIMIT ${REPAIR_OBJECTS_PER_UNIT}`,
        );
        const objectIds = rows.map((row) => row.object_id);
        if (objectIds.length === 0) return 0;
        await this.queue.look(db, objectIds, this.clock.nowMs());
        await changeMany(db, `DELETE FROM repair_hints WHERE object_id IN ${placeholders(db, objectIds.length)}`, [
          ...objectIds,
        ]);
        return objectIds.length;
      });
    } while (taken === REPAIR_OBJECTS_PER_UNIT);
  }

  private async sweep(pagesMax: number): Promise<void> {
    for (let page = 0; page < pagesMax; page++) {
      if (!(await this.database.write((db) => this.sweepPage(db)))) return;
    }
  }

  /** True when there is more. A round begins no sooner than `sweepMs` after the one before began. */
  private async sweepPage(db: EntityManager): Promise<boolean> {
    const nowMs = this.clock.nowMs();
    const [row] = await db.query<{ after_object_id: string; began_at_ms: number | string }[]>(
      'SELECT after_object_id, began_at_ms FROM repair_sweep WHERE id = 1',
    );
    const after = row?.after_object_id ?? '';
    const beganAtMs = Number(row?.began_at_ms ?? 0);
    const isBetween = after === '';
    if (isBetween && nowMs - beganAtMs < this.settings.policy.repair.sweepMs) return false;
    const rows = await db.query<{ id: ObjectId }[]>(
      `SELECT id FROM objects WHERE id > $1 AND deleted_at_ms IS NULL ORDER BY id LIMIT ${REPAIR_OBJECTS_PER_UNIT}`,
      [after],
    );
    const objectIds = rows.map(({ id }) => id);
    await this.queue.look(db, objectIds, nowMs);
    const isLast = objectIds.length < REPAIR_OBJECTS_PER_UNIT;
    await changeMany(db, 'UPDATE repair_sweep SET after_object_id = $1, began_at_ms = $2 WHERE id = 1', [
      isLast ? '' : objectIds.at(-1)!,
      isBetween ? nowMs : beganAtMs,
    ]);
    return !isLast;
  }
}

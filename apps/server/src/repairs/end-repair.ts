// A worker says that it has ended its task. What it says is a cause for people: what counts are receipts.
import { Injectable } from '@nestjs/common';
import { type EndRepairRequest, ProtocolError } from '#protocol';
import type { Caller } from '../control/caller.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { CloseTask } from './close-task.js';
import { findRunningTask } from './task-rows.js';

@Injectable()
export class EndRepair {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly closeTask: CloseTask,
  ) {}

  /** throws repair_task_unknown, also for one that has ended */
  async run(caller: Caller, { taskId, failure }: EndRepairRequest): Promise<void> {
    await this.database.write(async (db) => {
      const task = await findRunningTask(db, { taskId, workerId: caller.peer.peerId });
      if (task === null) throw new ProtocolError('repair_task_unknown');
      await this.closeTask.run(db, task, failure ?? null);
    });
  }
}

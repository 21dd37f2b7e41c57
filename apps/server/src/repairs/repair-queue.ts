// The queue of repairs: objects that are looked at are put into it, ordered anew, or taken off.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Log } from '#process';
import type { ObjectId } from '#protocol';
import { Settings } from '../platform/settings.js';
import { hintAtRepairs } from '../transactions/repair-hints.js';
import { type AssessedObject, AssessObjects } from './assess-objects.js';
import { isStarting } from './host-standing.js';
import { dropRepairs, queueRepairs } from './repair-rows.js';

@Injectable()
export class RepairQueue {
  constructor(
    private readonly assess: AssessObjects,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {}

  /**
   * Part of the caller's unit. Returns those that are due. Shortly after a start that is none, and the queue stays as it
   * is: they are looked at when it is known which hosts are there.
   */
  async look(db: EntityManager, objectIds: readonly ObjectId[], nowMs: number): Promise<readonly AssessedObject[]> {
    const { policy, startedAtMs } = this.settings;
    if (isStarting(policy, { nowMs, startedAtMs })) {
      const noted = objectIds.map((objectId) => ({ objectId }));
      await hintAtRepairs(db, noted, nowMs);
      return [];
    }
    const assessed = await this.assess.run(db, objectIds);
    const due = assessed.filter(isDue);
    const waiting = new Set(due.map(({ object }) => object.objectId));
    await dropRepairs(
      db,
      objectIds.filter((objectId) => !waiting.has(objectId)),
    );
    const fresh = await queueRepairs(db, due, nowMs);
    // One line however many they are: a host that goes takes thousands of objects below their thresholds at once.
    const below = due.filter(({ object, decision }) => decision.isDue && fresh.includes(object.objectId));
    if (below.length > 0) {
      const [first] = below;
      this.log.warn({
        event: 'object_below_threshold',
        objectId: first!.object.objectId,
        objects: below.length,
        timeToLossMs: Math.min(...below.map(({ decision }) => decision.expectedTimeToLossMs)),
      });
    }
    return due;
  }
}

/** Shards of hosts that leave are moved whatever the object has left. */
export function isDue({ missing, decision }: AssessedObject): boolean {
  return missing.length > 0 && (decision.isDue || missing.some(({ isLeaving }) => isLeaving));
}

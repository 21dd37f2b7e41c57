// Looks again and again whether there is something that the operator should know, writes down what began and ended, and
// hands it on to be posted.
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Log } from '#process';
import { formatTime, uuidV7 } from '#protocol';
import type { BrokerDatabase } from '../platform/broker-database.js';
import type { Settings } from '../platform/settings.js';
import { ALERT_WORDS } from './alert-kinds.js';
import { addPost, beganAtMs, forgetAlerts, keepStep, readConditions, writeConditions } from './alert-rows.js';
import { type AlertStep, decideAlerts } from './decide-alerts.js';
import { ALERTS_KEPT_MS, POSTS_WAITING_MAX } from './limits.js';
import type { ReadConditions } from './read-conditions.js';

export interface WatchAlertsParts {
  readonly conditions: Pick<ReadConditions, 'run'>;
  readonly database: BrokerDatabase;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
  /** Somebody is to be told. */
  readonly posts: boolean;
}

export class WatchAlerts {
  constructor(private readonly parts: WatchAlertsParts) {}

  /** Returns how many posts were handed on. */
  async run(): Promise<number> {
    const { conditions, database, settings, clock } = this.parts;
    const { policy } = settings;
    const seen = await conditions.run();
    const before = await readConditions(database.reads);
    const nowMs = clock.nowMs();
    const newId = (): string => uuidV7<string>(nowMs, randomBytes(10));
    const { states, steps } = decideAlerts(before, seen, { policy: policy.alerts, nowMs, newId });
    // Mostly nothing has changed, and then nothing is written.
    if (isDeepStrictEqual(before, states)) return 0;
    const { posted, dropped } = await database.write(async (db) => {
      await writeConditions(db, states);
      const count = { posted: 0, dropped: 0 };
      for (const step of steps) {
        await keepStep(db, step, nowMs);
        if (!this.parts.posts) continue;
        const document = this.documentOf(step, await beganAtMs(db, step.alertId), nowMs);
        const isAdded = await addPost(db, { id: newId(), document, nowMs, waitingMax: POSTS_WAITING_MAX });
        count[isAdded ? 'posted' : 'dropped']++;
      }
      if (steps.length > 0) await forgetAlerts(db, nowMs - ALERTS_KEPT_MS);
      return count;
    });
    for (const step of steps) this.tell(step);
    if (dropped > 0) this.parts.log.warn({ event: 'alert_post_dropped', posts: dropped, waiting: POSTS_WAITING_MAX });
    return posted;
  }

  private documentOf({ kind, step, alertId, detail }: AlertStep, beganMs: number, nowMs: number): object {
    return {
      event: `alert.${step}`,
      alertId,
      kind,
      title: ALERT_WORDS[kind].title,
      detail,
      at: formatTime(nowMs),
      beganAt: formatTime(beganMs),
      broker: this.parts.settings.trustDomain,
    };
  }

  private tell({ kind, step, alertId, detail }: AlertStep): void {
    const fields = { event: `alert_${step}`, kind, alertId, detail };
    if (step === 'end') this.parts.log.info(fields);
    else this.parts.log.warn(fields);
  }
}

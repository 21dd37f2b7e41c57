// What the operator is told of, and when: the `alerts` field of the policy.
import { z } from 'zod';
import { ALERT_KINDS } from './alert-kinds.js';

const MINUTES_MAX = 60 * 24 * 31;
const minutes = z.number().min(0).max(MINUTES_MAX);
const share = z.number().min(0).max(1);

export const alertPolicy = z.strictObject({
  /** For how long each must last before it is told, where not as in alert-kinds.ts. */
  raiseAfterMinutes: z.partialRecord(z.enum(ALERT_KINDS), minutes).default({}),
  /** For how long it must be well again before that is told. */
  clearAfterMinutes: minutes.default(10),
  /** One that lasts is told again after so long. */
  remindAfterHours: z
    .number()
    .min(1)
    .max(24 * 31)
    .default(24),
  /** More objects than these have waited for their repair for longer than this; without repairs: lack shards. */
  objectsAtRiskMax: z.int().min(0).default(0),
  repairWaitHoursMax: z
    .number()
    .min(0)
    .max(24 * 31)
    .default(24),
  /** Fewer hosts than these take shards; null: than the smallest code needs. */
  hostsMin: z.int().min(0).nullable().default(null),
  /** More of the donated space than this is used. */
  usedShareMax: share.default(0.9),
  certificateDaysMin: z.number().min(0).max(3_650).default(30),
  refusalsPerMinuteMax: z.number().gt(0).default(3_000),
  diskFreeShareMin: share.default(0.05),
  /** More of the queue of writes than this waits. */
  writeQueueShareMax: share.default(0.5),
  /** So great a share of the hosts that are there does not answer probes. */
  probesFailingShareMin: share.default(0.5),
});
export type AlertPolicy = Readonly<z.infer<typeof alertPolicy>>;

// How often hosts are audited, how their answers weigh, and from when on they are doubted (B23, B25).
import { z } from 'zod';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const share = z.number().gt(0).lt(1);

export const auditPolicy = z
  .strictObject({
    on: z.boolean().default(true),
    /** Of each host that holds anything, and more for each TiB that it holds, up to a bound. */
    perHostPerDay: z.number().gt(0).max(10_000).default(24),
    perTiBPerDay: z.number().min(0).max(10_000).default(24),
    perHostPerDayMax: z.number().gt(0).max(10_000).default(96),
    /** A host that is suspicious is audited so many times as often; the bound above does not hold for it. */
    suspicionFactor: z.number().min(1).max(1_000).default(8),
    /** Of all hosts together. */
    perMinuteMax: z.int().min(1).max(100_000).default(2_400),
    timeoutMs: z
      .int()
      .min(100)
      .max(MINUTE_MS)
      .default(10 * SECOND_MS),
    /** What an audit still weighs after the next one: 0.995 remembers about 200 audits. */
    forgetting: share.default(0.995),
    /** Good audits that a host is believed to have passed before its first. */
    priorAudits: z.number().min(1).max(10_000).default(20),
    suspiciousBelow: share.default(0.998),
    suspendBelow: share.default(0.9),
    /** How soon a host that answered nothing while it was online is asked the same again. */
    containedPauseMs: z
      .int()
      .min(SECOND_MS)
      .max(DAY_MS)
      .default(30 * MINUTE_MS),
    /** It has failed when it was asked so often, and so much time has passed since it first answered nothing. */
    containedAsksMax: z.int().min(1).max(1_000).default(8),
    containedForMs: z
      .int()
      .min(0)
      .max(31 * DAY_MS)
      .default(6 * HOUR_MS),
    /** Where so great a share of the hosts that were in order fails to answer well at once, the fault is the broker's. */
    faultShareMin: z.number().min(0.1).max(1).default(0.8),
    faultHostsMin: z.int().min(2).max(1_000).default(4),
    /** For so long after an audit that it passed, what a host holds counts as proved. */
    provedForMs: z
      .int()
      .min(MINUTE_MS)
      .max(31 * DAY_MS)
      .default(DAY_MS),
  })
  .refine(({ perHostPerDay, perHostPerDayMax }) => perHostPerDay <= perHostPerDayMax, {
    path: ['perHostPerDayMax'],
    message: 'below perHostPerDay',
  })
  .refine(({ suspendBelow, suspiciousBelow }) => suspendBelow < suspiciousBelow, {
    path: ['suspendBelow'],
    message: 'not below suspiciousBelow',
  })
  .refine(({ priorAudits, suspiciousBelow }) => priorAudits / (priorAudits + 1) < suspiciousBelow, {
    path: ['suspiciousBelow'],
    message: 'a new host that fails its first audit would not be suspicious',
  })
  .refine(({ forgetting, suspiciousBelow }) => forgetting < suspiciousBelow, {
    path: ['suspiciousBelow'],
    message: 'an old host that fails an audit would not be suspicious',
  });
export type AuditPolicy = Readonly<z.infer<typeof auditPolicy>>;

// When objects are repaired, who may do it, and what it pays (B22-B25).
import { z } from 'zod';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MiB = 1024 ** 2;
const GiB = 1024 * MiB;

const chance = z.number().gt(0).lt(1);

export const repairPolicy = z.strictObject({
  on: z.boolean().default(true),
  /** The shards of a host that said nothing for so long count as lost for repair; until then it is only away. */
  missedAfterMs: z
    .int()
    .min(MINUTE_MS)
    .max(365 * DAY_MS)
    .default(48 * HOUR_MS),
  /** Chance of losing an object that may be spent in `horizonMs`: each stretch of time may spend its share of it. */
  lossTarget: chance.default(1e-6),
  horizonMs: z
    .int()
    .min(DAY_MS)
    .max(3_650 * DAY_MS)
    .default(365 * DAY_MS),
  /** Chance that a host which is away for a shorter time never comes back. */
  awayLostChance: chance.default(0.1),
  /** How long a repair is thought to take before any has been seen. */
  expectedMs: z
    .int()
    .min(MINUTE_MS)
    .max(31 * DAY_MS)
    .default(6 * HOUR_MS),
  /** For so long only its owner's machines may repair an object, unless waiting for them costs a greater chance of loss. */
  ownerFirstMs: z
    .int()
    .min(0)
    .max(31 * DAY_MS)
    .default(6 * HOUR_MS),
  waitLossMax: chance.default(1e-4),
  /** How long a worker has for one object. */
  taskLifeMs: z
    .int()
    .min(SECOND_MS)
    .max(DAY_MS)
    .default(15 * MINUTE_MS),
  /** Objects that one host repairs at the same time. */
  tasksPerHostMax: z.int().min(1).max(1_000).default(4),
  /** What failed, or found too few hosts, is tried again after so long, and after twice as long each time up to an hour. */
  retryMs: z.int().min(SECOND_MS).max(DAY_MS).default(MINUTE_MS),
  /** Shards that a worker may fetch beside the k that it needs. */
  spareSources: z.int().min(0).max(64).default(2),
  /** Larger objects are left to their owners: a worker holds a whole object in memory. */
  objectBytesMax: z
    .int()
    .min(MiB)
    .max(GiB)
    .default(256 * MiB),
  /** Objects that wait at most; the most urgent ones are kept. */
  waitingMax: z.int().min(1).max(10_000_000).default(1_000_000),
  /** How often all objects are looked at, whatever was heard of them. */
  sweepMs: z
    .int()
    .min(MINUTE_MS)
    .max(31 * DAY_MS)
    .default(DAY_MS),
  /** Credit for each byte of a shard that was rebuilt, up to so many bytes a day for one account; 0 pays nothing. */
  rewardPerByte: z.number().min(0).max(1).default(0.01),
  rewardedBytesPerDayMax: z
    .int()
    .min(0)
    .default(100 * GiB),
});
export type RepairPolicy = Readonly<z.infer<typeof repairPolicy>>;

// The policy of the exchange (B22): what a byte of backup costs, by how safely it is kept, and how hosting earns it.
import { z } from 'zod';
import { durabilityField } from '#protocol';
import { redundancyTable } from '../config/redundancy-row.js';

/** Ratios are counted in thousandths. */
const RATIO_STEPS = 1_000;
const DAY_HOURS = 24;

/**
 * `ratio`: bytes of credit for one byte of backup. `redundancy`: its own table of codes; without one the policy's common
 * table.
 */
const durabilityClass = z.strictObject({
  ratio: z
    .number()
    .min(1 / RATIO_STEPS)
    .max(100)
    .refine((ratio) => Math.abs(ratio * RATIO_STEPS - Math.round(ratio * RATIO_STEPS)) < 1e-6, 'finer than 0.001'),
  redundancy: redundancyTable.optional(),
});

/** Safe with four fifths of the shards; below five hosts there is no archive. */
const ARCHIVE = [
  { hosts: 20, dataShards: 8, totalShards: 20, safeShards: 16 },
  { hosts: 15, dataShards: 6, totalShards: 15, safeShards: 12 },
  { hosts: 10, dataShards: 4, totalShards: 10, safeShards: 8 },
  { hosts: 5, dataShards: 2, totalShards: 5, safeShards: 4 },
];

export const exchangePolicy = z
  .strictObject({
    classes: z
      .record(durabilityField, durabilityClass)
      .default({ 'second-copy': { ratio: 1.5 }, archive: { ratio: 2.5, redundancy: ARCHIVE } }),
    /** Of backups that name no class. */
    defaultClass: durabilityField.default('second-copy'),
    /** Hosting earns what was proved on average over so many days: a new host's credit grows day by day. */
    windowDays: z.int().min(1).max(366).default(30),
    /** Where the broker itself was away, its next look counts for so many hours at most: hosts lose nothing by it. */
    gapHoursMax: z.int().min(1).max(DAY_HOURS).default(DAY_HOURS),
  })
  .refine(({ classes, defaultClass }) => Object.hasOwn(classes, defaultClass), {
    path: ['defaultClass'],
    message: 'none of the classes',
  });
export type ExchangePolicy = z.infer<typeof exchangePolicy>;

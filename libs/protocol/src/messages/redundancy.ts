// Which code new objects must have, and which hosts a client wishes for them.
import { z } from 'zod';
import { REGIONS_WISHED_MAX } from '../limits.js';
import { durabilityField, groupIdField, regionField, shardCountField } from './fields.js';

/**
 * Which hosts a client wishes for its new objects; others get none of their shards, now or by a repair. `regions`: those
 * that say they stand in one of these. `group`: the members of a group that the client is in.
 */
export const hostWishes = z.strictObject({
  regions: z.array(regionField).min(1).max(REGIONS_WISHED_MAX).optional(),
  group: groupIdField.optional(),
});
export type HostWishes = z.infer<typeof hostWishes>;

/**
 * `GET /v1/redundancy?durability=&regions=&group=`: of which class (absent, the broker's default one), for shards on which
 * hosts. `regions` stand in a row with commas.
 */
export const redundancyQuery = z.strictObject({
  durability: durabilityField.optional(),
  regions: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(regionField).min(1).max(REGIONS_WISHED_MAX))
    .optional(),
  group: groupIdField.optional(),
});
export type RedundancyQuery = z.infer<typeof redundancyQuery>;

/** `GET /v1/redundancy`: the code that new objects must have. `safeShards` stored shards make an object safe. */
export const redundancyAnswer = z.strictObject({
  dataShards: shardCountField,
  totalShards: shardCountField,
  safeShards: shardCountField,
  eligibleHosts: z.int(),
});
export type Redundancy = z.infer<typeof redundancyAnswer>;

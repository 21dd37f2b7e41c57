// One row of a table of codes, as the operator writes it.
import { z } from 'zod';
import { SHARDS_PER_OBJECT_MAX } from '#protocol';

const count = z.int().min(1).max(SHARDS_PER_OBJECT_MAX);

/** One row: from `hosts` eligible hosts on, an object has this code. */
export const redundancyRow = z
  .strictObject({ hosts: count, dataShards: count, totalShards: count, safeShards: count })
  .refine((row) => row.dataShards <= row.safeShards, 'fewer safe shards than data shards')
  .refine((row) => row.safeShards <= row.totalShards, 'more safe shards than shards')
  .refine((row) => row.totalShards <= row.hosts, 'more shards than hosts');
export type RedundancyRow = z.infer<typeof redundancyRow>;

export const redundancyTable = z.array(redundancyRow).min(1).max(64);

// Repairs: objects that lost shards, as their owner's machines hear of them, and the tasks of workers, which rebuild shards
// from other shards and learn nothing else.
import { z } from 'zod';
import { OBJECTS_PER_PAGE_MAX, SHARDS_PER_OBJECT_MAX } from '../limits.js';
import { objectIdField, peerIdField, shardCountField, shardIndexField, taskIdField, timeField } from './fields.js';
import { getPermission, listedObject } from './transactions.js';

/** `GET /v1/repairs/own` */
export const ownRepairsQuery = z.strictObject({
  after: objectIdField.optional(),
  limit: z.coerce.number().int().min(1).max(OBJECTS_PER_PAGE_MAX).optional(),
});
export type OwnRepairsQuery = z.infer<typeof ownRepairsQuery>;

/** `peerId`: the host that is done without, or leaves; null where the shard has no host. */
export const shardToMend = z.strictObject({ index: shardIndexField, peerId: peerIdField.nullable() });
export type ShardToMend = z.infer<typeof shardToMend>;

export const ownRepair = z.strictObject({
  object: listedObject,
  shards: z.array(shardToMend).min(1).max(SHARDS_PER_OBJECT_MAX),
});
export type OwnRepair = z.infer<typeof ownRepair>;

/** By object id; `next` is the `after` of the following page, null at the end. */
export const ownRepairsAnswer = z.strictObject({ repairs: z.array(ownRepair), next: objectIdField.nullable() });
export type OwnRepairsAnswer = z.infer<typeof ownRepairsAnswer>;

/** `POST /v1/repairs/begin`. `objectBytesMax`: the worker holds at most so much in memory. */
export const beginRepairRequest = z.strictObject({
  objectBytesMax: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
});
export type BeginRepairRequest = z.infer<typeof beginRepairRequest>;

/**
 * Get any `dataShards` of the sources, rebuild the targets, and put each at its host; all of them have one size. What
 * has not been put by `expiresAt` is another worker's.
 */
export const repairTask = z.strictObject({
  taskId: taskIdField,
  objectId: objectIdField,
  dataShards: shardCountField,
  totalShards: shardCountField,
  expiresAt: timeField,
  sources: z.array(getPermission).min(1).max(SHARDS_PER_OBJECT_MAX),
  targets: z.array(getPermission).min(1).max(SHARDS_PER_OBJECT_MAX),
});
export type RepairTask = z.infer<typeof repairTask>;

/** `task` is null when there is nothing for this worker now; `askAgainMs`: when it may ask again. */
export const beginRepairAnswer = z.strictObject({ task: repairTask.nullable(), askAgainMs: z.int().min(0) });
export type BeginRepairAnswer = z.infer<typeof beginRepairAnswer>;

/** `POST /v1/repairs/end`, after the reports. `failure`: an error code, where the worker could not do all of it. */
export const endRepairRequest = z.strictObject({
  taskId: taskIdField,
  failure: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/)
    .optional(),
});
export type EndRepairRequest = z.infer<typeof endRepairRequest>;

// What a host answers to the broker (SPEC §8): how it is, and the blocks that it is asked to show.
import { z } from 'zod';
import { AUDIT_BLOCKS_MAX, BLOCK_BYTES, PROGRAM_CHARS_MAX, SHARD_BYTES_MAX } from '../limits.js';
import { bytesCountField, bytesField, bytesUpToField, timeField } from './fields.js';

const BLOCKS_MAX = SHARD_BYTES_MAX / BLOCK_BYTES;
const blockField = z
  .int()
  .min(0)
  .max(BLOCKS_MAX - 1);
const ascending = (blocks: readonly number[]): boolean => blocks.every((block, i) => i === 0 || block > blocks[i - 1]!);

/** `GET /probe` */
export const probeAnswer = z.strictObject({
  time: timeField,
  program: z.string().max(PROGRAM_CHARS_MAX),
  freeBytes: bytesCountField,
  usedBytes: bytesCountField,
  shards: bytesCountField,
});
export type ProbeAnswer = z.infer<typeof probeAnswer>;

/** `POST /audits/{cid}`: numbers of blocks, ascending. */
export const auditRequest = z.strictObject({
  blocks: z.array(blockField).min(1).max(AUDIT_BLOCKS_MAX).refine(ascending, 'not ascending'),
});
export type AuditRequest = z.infer<typeof auditRequest>;

/** Each block that was asked for, with the siblings from its leaf to the root. */
export const auditAnswer = z.strictObject({
  blocks: z
    .array(
      z.strictObject({
        block: blockField,
        data: bytesUpToField(BLOCK_BYTES),
        path: z.array(bytesField(32)).max(Math.log2(BLOCKS_MAX)),
      }),
    )
    .max(AUDIT_BLOCKS_MAX),
});
export type AuditAnswer = z.infer<typeof auditAnswer>;

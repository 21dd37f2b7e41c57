// The keep-filter: a host asks which content it should hold, and puts the rest into its trash (SPEC §8.4).
import { z } from 'zod';
import {
  KEEP_FILTER_BYTES_MAX,
  KEEP_FILTER_HASHES_MAX,
  KEEP_FILTER_PARTS,
  KEEP_FILTER_PARTS_MAX,
  KEEP_FILTER_SEED_BYTES,
} from '../limits.js';
import { bytesField, bytesUpToField, timeField } from './fields.js';

const partsField = z.literal([...KEEP_FILTER_PARTS]);
const partField = z
  .int()
  .min(0)
  .max(KEEP_FILTER_PARTS_MAX - 1);

/** `POST /v1/keep-filter`. `parts`: as the answer with part 0 said; absent with that one, for which the broker chooses. */
export const keepFilterRequest = z.strictObject({ part: partField, parts: partsField.optional() });
export type KeepFilterRequest = z.infer<typeof keepFilterRequest>;

export const keepFilterAnswer = z.strictObject({
  part: partField,
  parts: partsField,
  /** What the broker held to be at the host, or on its way there, at this time. */
  at: timeField,
  /** How much the broker had written down by then: it never becomes less, unless an older copy of its database runs. */
  revision: z.int().min(0),
  /** Content ids in this part. */
  cids: z.int().min(0),
  seed: bytesField(KEEP_FILTER_SEED_BYTES),
  hashes: z.int().min(1).max(KEEP_FILTER_HASHES_MAX),
  filter: bytesUpToField(KEEP_FILTER_BYTES_MAX),
  /** Of everything above, see keepPartHash. */
  sha256: bytesField(32),
});
export type KeepFilterAnswer = z.infer<typeof keepFilterAnswer>;

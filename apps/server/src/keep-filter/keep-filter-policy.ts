// How exactly hosts are told what they should hold, and how often.
import { z } from 'zod';

export const keepFilterPolicy = z.strictObject({
  /** Off: nobody hears what to keep, and so nothing is put away. */
  on: z.boolean().default(true),
  /** Of what a host should not hold, the share that it keeps by mistake until it asks again. */
  falsePositives: z.number().min(0.000_1).max(0.1).default(0.01),
  /** Whole filters that one host may ask for within a day. */
  perHostPerDay: z.int().min(1).max(1_000).default(8),
});
export type KeepFilterPolicy = Readonly<z.infer<typeof keepFilterPolicy>>;

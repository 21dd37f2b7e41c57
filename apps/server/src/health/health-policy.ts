// From when on the broker says that it is not ready, and how long it says so before it stops: the `health` field of the policy.
import { z } from 'zod';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const MiB = 1024 ** 2;

export const healthPolicy = z.strictObject({
  /** With less room where the data directory lies it is not ready: the next write may be the one that fails. */
  diskFreeBytesMin: z
    .int()
    .min(0)
    .default(256 * MiB),
  /** How much of the queue of writes may wait: past all of it requests are refused. */
  writeQueueShareMax: z.number().gt(0).max(1).default(0.8),
  /** How far the clock may have been set since the start. */
  clockJumpMsMax: z
    .int()
    .min(SECOND_MS)
    .default(5 * MINUTE_MS),
  /** After it was told to stop it still works for so long, and says that it is not ready: who sends it work hears of it. */
  stopDelayMs: z
    .int()
    .min(0)
    .max(10 * MINUTE_MS)
    .default(0),
});
export type HealthPolicy = Readonly<z.infer<typeof healthPolicy>>;

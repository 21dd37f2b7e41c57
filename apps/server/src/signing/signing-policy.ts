// How long the broker's keys for statements and for local networks are used: the `signing` field of the policy.
import { z } from 'zod';
import { SIGNING_KEY_ANNOUNCED_MS } from '../limits.js';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

export const signingPolicy = z.strictObject({
  /** For so long one key signs; the next one is told before it does, and the old one is told for a while after. */
  keyLifeMs: z
    .int()
    .min(2 * SIGNING_KEY_ANNOUNCED_MS)
    .max(730 * DAY_MS)
    .default(90 * DAY_MS),
  /** For so long the peers of a local network speak under one key. Who was away for two epochs has to ask the broker first. */
  lanEpochMs: z
    .int()
    .min(HOUR_MS)
    .max(90 * DAY_MS)
    .default(7 * DAY_MS),
});
export type SigningPolicy = Readonly<z.infer<typeof signingPolicy>>;

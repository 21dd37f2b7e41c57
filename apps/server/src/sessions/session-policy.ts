// What the operator chooses about sessions of browsers: the `sessions` field of the policy.
import { z } from 'zod';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const sessionPolicy = z
  .strictObject({
    /** A session that nobody used for so long has ended. */
    idleMs: z
      .int()
      .min(5 * MINUTE_MS)
      .max(30 * DAY_MS)
      .default(DAY_MS),
    /** And every session ends so long after its sign-in. */
    lifeMs: z
      .int()
      .min(5 * MINUTE_MS)
      .max(90 * DAY_MS)
      .default(14 * DAY_MS),
    perAccountMax: z.int().min(1).max(100).default(16),
  })
  .refine(({ idleMs, lifeMs }) => idleMs <= lifeMs, { path: ['idleMs'], message: 'longer than lifeMs' });

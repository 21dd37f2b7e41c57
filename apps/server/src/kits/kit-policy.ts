// What the operator may set about recovery kits: how long they are good, and how many there may be.
import { z } from 'zod';
import { KITS_PER_ACCOUNT_MAX, OFFLINE_TOKEN_LIFE_MS_MAX } from '#protocol';

const DAY_MS = 86_400_000;

export const kitPolicy = z.strictObject({
  /** Of a kit from its making on, its tokens and its certificate with it; 0: none are made. */
  lifeMs: z
    .int()
    .min(0)
    .max(OFFLINE_TOKEN_LIFE_MS_MAX)
    .default(30 * DAY_MS),
  /** Kits of one account that have not ended. */
  perAccountMax: z.int().min(1).max(KITS_PER_ACCOUNT_MAX).default(16),
  /** Tokens of one kit: each is good for up to 32 shards at one host. */
  tokensMax: z.int().min(1).max(10_000_000).default(500_000),
});

// Rules of placement that the operator may change (B24).
import { z } from 'zod';

export const placementPolicy = z.strictObject({
  /** Of an object's shards, those that hosts on probation may get while enough others are there. */
  vettingShare: z.number().min(0).max(1).default(0.1),
  /**
   * Which hosts count as one network, of which an object gets one shard at most: those with public addresses of one /24 or
   * /48, or `all`, where each private network, and this machine, counts as one too.
   */
  networks: z.enum(['public', 'all']).default('public'),
});
export type PlacementPolicy = z.infer<typeof placementPolicy>;

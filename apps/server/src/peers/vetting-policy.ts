// When the probation of a host ends, and how long a host takes to leave (B23).
import { z } from 'zod';

export const vettingPolicy = z.strictObject({
  /** Since it enrolled. */
  days: z.number().min(0).max(3_650).default(7),
  /** Of the times that it was asked whether it is there, over the windows that are kept. */
  uptimeMin: z.number().min(0).max(1).default(0.8),
  /** Times that it answered, and audits that it passed, in all. */
  answersMin: z.int().min(0).default(100),
  auditsMin: z.int().min(0).default(20),
});
export type VettingPolicy = z.infer<typeof vettingPolicy>;

export const leavingPolicy = z.strictObject({
  /** At least so long a host that leaves is there for those who still read from it. */
  days: z.number().min(0).max(3_650).default(7),
});
export type LeavingPolicy = z.infer<typeof leavingPolicy>;

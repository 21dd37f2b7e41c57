// For how long it is kept how the network was: the `history` field of the policy.
import { z } from 'zod';

export const historyPolicy = z.strictObject({
  /** Days for which there is a sample for each hour. */
  hoursForDays: z.int().min(1).max(3_660).default(90),
  /** Days for which there is a sample for each day. */
  daysForDays: z.int().min(1).max(36_600).default(3_653),
});
export type HistoryPolicy = Readonly<z.infer<typeof historyPolicy>>;

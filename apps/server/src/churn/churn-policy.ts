// How the loss of hosts is measured, and what is assumed of a network that has measured little (B25).
import { z } from 'zod';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const churnPolicy = z.strictObject({
  /** What happened in so many days counts. */
  windowDays: z.int().min(1).max(3_650).default(365),
  /** A host that says nothing for so long is lost, until it is back. */
  silentForMs: z
    .int()
    .min(MINUTE_MS)
    .max(365 * DAY_MS)
    .default(48 * HOUR_MS),
  /** What is believed before anything is measured, and how many host-years of measuring that belief is worth. */
  assumed: z
    .strictObject({
      lossesPerHostYear: z.number().gt(0).max(100).default(0.25),
      hostYears: z.number().gt(0).max(1_000_000).default(20),
      uptime: z.number().gt(0).max(1).default(0.9),
    })
    .prefault({}),
});
export type ChurnPolicy = z.infer<typeof churnPolicy>;

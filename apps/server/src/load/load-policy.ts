// From which load on the broker offers universal tokens, and when it stops: apart, so that it does not waver (B13).
import { z } from 'zod';

const SECOND_MS = 1_000;
const DELAY_MS_MAX = 60 * SECOND_MS;
const WAIT_MS_MAX = 3_600 * SECOND_MS;

/** Load is how late the event loop runs and how many writes wait; either makes it high, both must be low again. */
const threshold = (delayMs: number, waitingWrites: number) =>
  z
    .strictObject({
      delayMs: z.number().min(0).max(DELAY_MS_MAX).default(delayMs),
      waitingWrites: z.int().min(0).default(waitingWrites),
    })
    .prefault({});

export const loadPolicy = z
  .strictObject({
    high: threshold(100, 1_024),
    low: threshold(30, 128),
    /** How long it must be high before they are offered, and low before they are not. */
    highForMs: z
      .int()
      .min(0)
      .max(WAIT_MS_MAX)
      .default(5 * SECOND_MS),
    lowForMs: z
      .int()
      .min(0)
      .max(WAIT_MS_MAX)
      .default(60 * SECOND_MS),
  })
  .refine(({ high, low }) => low.delayMs <= high.delayMs && low.waitingWrites <= high.waitingWrites, {
    path: ['low'],
    message: 'above high',
  });
export type LoadPolicy = z.infer<typeof loadPolicy>;

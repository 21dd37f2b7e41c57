// How long to wait after failures in a row. Pure.

/**
 * Exponential, with jitter over the whole span (so that machines that lost the broker together do not come back together).
 *
 * failures  in a row, 1 or more
 * random    0 <= random < 1
 * source    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: equal jitter
 */
export function backoffMs(failures: number, range: { minMs: number; maxMs: number }, random: number): number {
  const spanMs = Math.min(range.maxMs, range.minMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(spanMs / 2 + (spanMs / 2) * random);
}

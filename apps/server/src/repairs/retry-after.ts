// How long an object waits after a repair that came to nothing. Pure.
import type { RepairPolicy } from './repair-policy.js';

const HOUR_MS = 3_600_000;

/** Twice as long each time, up to an hour: no worker that fails on purpose keeps an object from the others for longer. */
export function retryAfterMs(attempts: number, { retryMs }: Pick<RepairPolicy, 'retryMs'>): number {
  return Math.min(Math.max(HOUR_MS, retryMs), retryMs * 2 ** Math.max(0, attempts - 1));
}

// Decides whether universal tokens are offered now: on when the load stays high, off when it stays low. Pure.
import type { UnixMs } from '#protocol';
import type { LoadPolicy } from './load-policy.js';

export interface Load {
  /** How late the event loop ran at worst (99th percentile) since the last sample. */
  readonly delayMs: number;
  /** Writes that wait for the one writer. */
  readonly waitingWrites: number;
}

export interface Offer {
  readonly isMade: boolean;
  /** Since when every sample has spoken for the other answer; null when the last one did not. */
  readonly turningSinceMs: UnixMs | null;
}

export const NO_OFFER: Offer = { isMade: false, turningSinceMs: null };

/** The next offer after one more sample. Between high and low everything stays as it is. */
export function decideUniversal(offer: Offer, load: Load, policy: LoadPolicy, nowMs: UnixMs): Offer {
  const { high, low, highForMs, lowForMs } = policy;
  const turns = offer.isMade
    ? load.delayMs <= low.delayMs && load.waitingWrites <= low.waitingWrites
    : load.delayMs >= high.delayMs || load.waitingWrites >= high.waitingWrites;
  if (!turns) return { isMade: offer.isMade, turningSinceMs: null };
  // A clock that was set back must not make the wait longer than it is.
  const turningSinceMs = Math.min(offer.turningSinceMs ?? nowMs, nowMs);
  const isDue = nowMs - turningSinceMs >= (offer.isMade ? lowForMs : highForMs);
  return isDue ? { isMade: !offer.isMade, turningSinceMs: null } : { isMade: offer.isMade, turningSinceMs };
}

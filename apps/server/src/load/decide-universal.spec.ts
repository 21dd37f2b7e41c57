// The offer of universal tokens follows the load slowly, and does not waver between its two thresholds.
import { describe, expect, it } from 'vitest';
import { decideUniversal, type Load, NO_OFFER, type Offer } from './decide-universal.js';
import { loadPolicy } from './load-policy.js';

const policy = loadPolicy.parse({
  high: { delayMs: 100, waitingWrites: 1_000 },
  low: { delayMs: 30, waitingWrites: 100 },
  highForMs: 5_000,
  lowForMs: 60_000,
});
const LOW: Load = { delayMs: 5, waitingWrites: 3 };
const BETWEEN: Load = { delayMs: 60, waitingWrites: 3 };
const LATE: Load = { delayMs: 120, waitingWrites: 3 };
const QUEUED: Load = { delayMs: 5, waitingWrites: 1_500 };

/** Samples a second apart, from the offer given; what is offered after each. */
function offersAfter(loads: readonly Load[], from: Offer = NO_OFFER): boolean[] {
  let offer = from;
  return loads.map((load, second) => {
    offer = decideUniversal(offer, load, policy, second * 1_000);
    return offer.isMade;
  });
}
const MADE: Offer = { isMade: true, turningSinceMs: null };
const times = (count: number, load: Load): Load[] => Array.from({ length: count }, () => load);

describe('decideUniversal', () => {
  it.each([
    ['late event loop', LATE],
    ['waiting writes', QUEUED],
  ])('offers when the load has been high for long enough: %s', (_, load) => {
    expect(offersAfter(times(6, load))).toEqual([false, false, false, false, false, true]);
  });

  it('begins again with every sample that is not high', () => {
    expect(offersAfter([...times(5, LATE), BETWEEN, ...times(5, LATE)])).not.toContain(true);
    expect(offersAfter([...times(5, LATE), LOW, ...times(6, LATE)]).at(-1)).toBe(true);
  });

  it('goes on offering while the load is between low and high', () => {
    expect(offersAfter(times(200, BETWEEN), MADE)).not.toContain(false);
    expect(offersAfter(times(200, { ...LOW, waitingWrites: 500 }), MADE)).not.toContain(false);
    expect(offersAfter(times(200, BETWEEN))).not.toContain(true);
  });

  it('stops when the load has been low for long enough', () => {
    expect(offersAfter(times(60, LOW), MADE)).not.toContain(false);
    expect(offersAfter(times(61, LOW), MADE).at(-1)).toBe(false);
    expect(offersAfter([...times(60, LOW), LATE, ...times(60, LOW)], MADE)).not.toContain(false);
  });

  it('waits no longer because the clock was set back', () => {
    const turning: Offer = { isMade: true, turningSinceMs: 500_000 };
    expect(decideUniversal(turning, LOW, policy, 100_000)).toEqual({ isMade: true, turningSinceMs: 100_000 });
  });

  it('refuses a policy in which low is above high', () => {
    expect(loadPolicy.safeParse({ low: { delayMs: 500 } }).success).toBe(false);
  });
});

// How many objects travel at once: one more while that makes the whole faster, one less when it does not. Pure.
import { strict as assert } from 'node:assert';

/** Objects at once: small ones reach the upper bound, large ones the bound of their bytes. */
export const PLACES_MIN = 1;
export const PLACES_MAX = 16;
const PLACES_FIRST = 3;

/** One more place must bring so much, and one less may cost so much. */
const GAIN_MIN = 1.05;
const LOSS_MAX = 0.95;
/** After a step that did not pay, so many measurements pass before the next one: the network may have changed. */
const REST_MEASUREMENTS = 4;

export interface Pace {
  readonly places: number;
  /** Bytes a second before the last step; null before anything is known. */
  readonly rateBefore: number | null;
  readonly step: 'more' | 'less' | 'rest';
  readonly restLeft: number;
}

export const FIRST_PACE: Pace = { places: PLACES_FIRST, rateBefore: null, step: 'rest', restLeft: 0 };

/**
 * The pace after a measurement in which every place was wanted; hill climbing on the goodput of all hosts together, as
 * the gradient of what comes through tells and no single host does.
 *
 * rate   bytes a second that were stored, above 0
 */
export function decidePace(pace: Pace, rate: number): Pace {
  assert(rate > 0);
  const { places, rateBefore, step, restLeft } = pace;
  const before = rateBefore ?? rate;
  const isLoss = rate < before * LOSS_MAX;
  const to = (wanted: number, next: Pace['step'], compareWith = rate): Pace => ({
    places: Math.min(Math.max(wanted, PLACES_MIN), PLACES_MAX),
    rateBefore: compareWith,
    step: next,
    restLeft: REST_MEASUREMENTS,
  });
  if (step === 'more') return rate >= before * GAIN_MIN ? to(places + 1, 'more') : to(places - 1, 'less');
  if (step === 'less') {
    if (isLoss) return to(places + 1, 'rest', before);
    // Compared with the best of the way down: many small losses are a large one.
    return to(places - 1, places === PLACES_MIN ? 'rest' : 'less', Math.max(before, rate));
  }
  // At rest a network that has become slower, or time, asks for another try.
  if (isLoss) return to(places - 1, 'less');
  return restLeft > 0 ? { ...pace, restLeft: restLeft - 1 } : to(places + 1, 'more');
}

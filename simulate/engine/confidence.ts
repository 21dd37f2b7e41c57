// How far the losses that were counted tell of the rate behind them. Pure.

/** Bounds that the true mean lies beyond with 5 % each: together an interval of 90 %. */
export interface Bounds {
  readonly lower95: number;
  readonly upper95: number;
}

const TAIL = 0.05;
const HALVINGS = 60;

/**
 * Of the mean of a Poisson count: for 0 seen the upper bound is -ln 0.05 = 3.0, the rule of three.
 *
 * source   F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936); J. A. Hanley and
 *          A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983)
 */
export function poissonBounds(seen: number): Bounds {
  const lower95 = seen === 0 ? 0 : meanWhere((mean) => 1 - atMost(seen - 1, mean) < TAIL, seen);
  return { lower95, upper95: meanWhere((mean) => atMost(seen, mean) > TAIL, seen) };
}

/** By halving: the mean up to which `isBelow` holds. */
function meanWhere(isBelow: (mean: number) => boolean, seen: number): number {
  let [low, high] = [0, 2 * seen + 20];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (isBelow(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Chance of at most so many, summed from the largest term down, so that nothing underflows. */
function atMost(count: number, mean: number): number {
  let logFactorial = 0;
  for (let number = 2; number <= count; number++) logFactorial += Math.log(number);
  let term = Math.exp(count * Math.log(mean) - mean - logFactorial);
  let sum = term;
  if (mean > count) {
    for (let number = count; number > 0 && term > 0; number--) {
      term *= number / mean;
      sum += term;
    }
    return Math.min(1, sum);
  }
  let above = 0;
  for (let number = count + 1; term > 0 && number < count + 1_000 + 10 * Math.sqrt(count); number++) {
    term *= mean / number;
    above += term;
  }
  return Math.max(0, 1 - above);
}

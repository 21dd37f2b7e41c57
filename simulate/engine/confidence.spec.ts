// Bounds of a count beside the printed tables of Garwood (1936).
import { describe, expect, it } from 'vitest';
import { poissonBounds } from './confidence.js';

describe('poissonBounds', () => {
  it.each([
    [0, 0, 2.996],
    [1, 0.0513, 4.744],
    [5, 1.97, 10.513],
    [10, 5.425, 16.962],
    [100, 84.139, 118.079],
  ])('of %i seen are %f and %f', (seen, lower, upper) => {
    const { lower95, upper95 } = poissonBounds(seen);
    expect(lower95).toBeCloseTo(lower, 2);
    expect(upper95).toBeCloseTo(upper, 2);
  });

  it('of many come near the normal ones', () => {
    const { lower95, upper95 } = poissonBounds(20_000);
    expect(lower95 / (20_000 - 1.645 * Math.sqrt(20_000))).toBeCloseTo(1, 3);
    expect(upper95 / (20_000 + 1.645 * Math.sqrt(20_000))).toBeCloseTo(1, 3);
  });
});

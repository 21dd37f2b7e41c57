// The wait after failures grows, stays bounded, and is spread out.
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.js';

const range = { minMs: 1_000, maxMs: 60_000 };

it.each([
  [1, 0, 500],
  [1, 1, 1_000],
  [3, 0, 2_000],
  [3, 1, 4_000],
  [7, 1, 60_000],
  [1_000_000, 0, 30_000],
])('after %i failures, random %d: %i ms', (failures, random, ms) => {
  expect(backoffMs(failures, range, random)).toBe(ms);
});

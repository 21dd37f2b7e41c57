// What is held of all streams and visits together stays bounded: those that have stalled longest end, and no more of them.
import { expect, it } from 'vitest';
import { inTheWay } from './in-the-way.js';

const all = [
  { heldBytes: 30, stalledSinceMs: 900 },
  { heldBytes: 0, stalledSinceMs: null },
  { heldBytes: 50, stalledSinceMs: 100 },
  { heldBytes: 20, stalledSinceMs: 500 },
];

it.each([
  [100, []],
  [99, [100]],
  [50, [100]],
  [49, [100, 500]],
  [0, [100, 500, 900]],
])('of 100 bytes held and %i allowed, those end that stall since %j', (heldBytesMax, stalledSinceMs) => {
  expect(inTheWay(all, heldBytesMax).map((one) => one.stalledSinceMs)).toEqual(stalledSinceMs);
});

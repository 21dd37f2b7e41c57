// Padding: the published formula in floating-point terms, its bounds, and how few lengths remain.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paddedBytes } from './padding.js';

const size = fc.integer({ min: 2, max: 2 ** 31 - 1 });

/** The formula of the paper, §4.4, in whole numbers of any width. */
function padme(length: number): number {
  const exponent = Math.floor(Math.log2(length));
  const digits = Math.floor(Math.log2(exponent)) + 1;
  const lastBits = BigInt(Math.max(0, exponent - digits));
  const mask = (1n << lastBits) - 1n;
  return Number((BigInt(length) + mask) & ~mask);
}

describe('paddedBytes', () => {
  it('is the formula of the paper', () => {
    for (let length = 2; length < 5_000; length++) expect(paddedBytes(length)).toBe(padme(length));
    fc.assert(
      fc.property(size, (length) => {
        expect(paddedBytes(length)).toBe(padme(length));
      }),
    );
  });

  it('never shortens, adds at most 12 %, and does not change a padded length', () => {
    fc.assert(
      fc.property(size, (length) => {
        const padded = paddedBytes(length);
        expect(padded).toBeGreaterThanOrEqual(length);
        expect(padded).toBeLessThanOrEqual(length * 1.12);
        expect(padded === 2 ** 31 || paddedBytes(padded) === padded).toBe(true);
      }),
    );
  });

  it('leaves 32 lengths between 16 and 32 MiB', () => {
    const lengths = new Set<number>();
    for (let length = 2 ** 24 + 1; length <= 2 ** 25; length += 4_099) lengths.add(paddedBytes(length));
    expect(lengths.size).toBe(32);
  });
});

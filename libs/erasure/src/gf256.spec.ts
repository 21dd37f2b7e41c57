// Tests of the field's arithmetic against multiplication of polynomials written out.
import { describe, expect, it } from 'vitest';
import { logarithm, multiply, powerOfTwo } from './gf256.js';

describe('GF(2^8)', () => {
  it('multiplies all pairs as polynomials modulo 0x11d', () => {
    const wrong: string[] = [];
    for (let left = 0; left < 256; left++) {
      for (let right = 0; right < 256; right++) {
        if (multiply(left, right) !== polynomialProduct(left, right)) wrong.push(`${left} * ${right}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('takes exponents of any sign and size', () => {
    for (const exponent of [-1000, -255, -1, 0, 1, 254, 255, 70_000]) {
      expect(multiply(powerOfTwo(exponent), powerOfTwo(-exponent))).toBe(1);
    }
    expect(powerOfTwo(8)).toBe(0x1d);
  });

  it('has no logarithm of zero or of what is no byte', () => {
    expect(() => logarithm(0)).toThrow();
    expect(() => logarithm(256)).toThrow();
  });
});

/** Multiply without carries into 15 bits, then subtract the modulus from the top. */
function polynomialProduct(left: number, right: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((right >> bit) & 1) product ^= left << bit;
  for (let bit = 14; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11d << (bit - 8);
  return product;
}

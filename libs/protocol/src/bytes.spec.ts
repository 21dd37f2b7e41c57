// One value has one text: what node:buffer forgives is refused here (trap 7).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base64urlLength,
  concatBytes,
  decodeBase64url,
  decodeHex,
  encodeBase64url,
  encodeHex,
  equalInConstantTime,
  utf8,
} from './bytes.js';

const anyBytes = fc.uint8Array({ maxLength: 100 });

describe('base64url', () => {
  it('comes back as it was, and has the length that it says', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = encodeBase64url(bytes);
        expect(encodeHex(decodeBase64url(text)!)).toBe(encodeHex(bytes));
        expect(base64urlLength(text)).toBe(bytes.length);
      }),
    );
  });

  it('is decoded only from the text that it is encoded to, for any text at all', () => {
    const nearly = fc.string({
      unit: fc.constantFrom(...'ABCDgwxyz019-_+/= \n\0!é'),
      maxLength: 9,
    });
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(nearly, fc.base64String({ maxLength: 12 }), fc.string({ maxLength: 9 })), (text) => {
        const lax = Buffer.from(text, 'base64url');
        const canonical = lax.toString('base64url') === text;
        if (!canonical) refused++;
        expect(decodeBase64url(text) === null).toBe(!canonical);
        expect(base64urlLength(text)).toBe(canonical ? lax.length : null);
      }),
      { numRuns: 5_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  it.each([
    ['padding', 'AA=='],
    ['a space inside', 'A A'],
    ['a space behind', 'AAAA '],
    ['a line end', 'AAAA\n'],
    ['an exclamation mark', 'AA!AA'],
    ['a NUL', 'AAAA\0'],
    ['the other alphabet', '+/+/'],
    ['stray bits after one byte', 'AB'],
    ['stray bits after two bytes', 'AAB'],
    ['a lone character', 'A'],
    ['a fullwidth letter', 'ＡＡＡＡ'],
  ])('refuses %s, which Buffer.from takes', (_, text) => {
    expect(() => Buffer.from(text, 'base64url')).not.toThrow();
    expect(decodeBase64url(text)).toBeNull();
    expect(base64urlLength(text)).toBeNull();
  });

  it('encodes a view of a larger buffer, and only that', () => {
    const whole = Uint8Array.of(1, 2, 3, 4, 5, 6);
    expect(encodeBase64url(whole.subarray(2, 4))).toBe(Buffer.from([3, 4]).toString('base64url'));
    expect(encodeHex(whole.subarray(2, 4))).toBe('0304');
  });
});

describe('hex', () => {
  it('comes back as it was, in lower case alone', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(encodeHex(decodeHex(encodeHex(bytes))!)).toBe(encodeHex(bytes));
      }),
    );
    for (const text of ['0', 'AB', '0g', ' 00', '00\n', '0x00', '00é']) expect(decodeHex(text), text).toBeNull();
  });
});

describe('bytes', () => {
  it('are joined in order', () => {
    expect(concatBytes(utf8('a'), new Uint8Array(0), utf8('bc'))).toEqual(utf8('abc'));
    expect(concatBytes()).toHaveLength(0);
  });

  it('are equal only when all of them are; another length is unequal, not an error (trap 8)', () => {
    expect(equalInConstantTime(utf8('abc'), utf8('abc'))).toBe(true);
    expect(equalInConstantTime(utf8('abc'), utf8('abd'))).toBe(false);
    expect(equalInConstantTime(utf8('bbc'), utf8('abc'))).toBe(false);
    expect(equalInConstantTime(utf8('abc'), utf8('ab'))).toBe(false);
    expect(equalInConstantTime(utf8('ab'), utf8('abc'))).toBe(false);
    expect(equalInConstantTime(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });
});

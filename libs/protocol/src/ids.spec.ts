// UUIDv7: made from a time and chance that the caller brings, read strictly.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUuidV7, uuidV7, uuidV7TimeMs } from './ids.js';

const MAX_MS = 2 ** 48 - 1;
const entropy = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('a UUIDv7', () => {
  it('is laid out as the example of RFC 9562 A.6', () => {
    const random = Uint8Array.of(0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f);
    expect(uuidV7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('holds its time, is well formed, and sorts by time, whatever the chance', () => {
    const ms = fc.integer({ min: 0, max: MAX_MS });
    fc.assert(
      fc.property(ms, entropy, ms, entropy, (firstMs, first, secondMs, second) => {
        const [left, right] = [uuidV7(firstMs, first), uuidV7(secondMs, second)];
        expect(isUuidV7(left)).toBe(true);
        expect(uuidV7TimeMs(left)).toBe(firstMs);
        if (firstMs < secondMs) expect(left < right).toBe(true);
      }),
    );
    expect(uuidV7TimeMs(uuidV7(MAX_MS, new Uint8Array(10)))).toBe(MAX_MS);
  });

  it('is made of 48 bits of time and 10 bytes of chance, nothing else', () => {
    for (const ms of [-1, 0.5, Number.NaN, MAX_MS + 1]) expect(() => uuidV7(ms, new Uint8Array(10))).toThrow();
    expect(() => uuidV7(0, new Uint8Array(9))).toThrow();
  });

  it.each([
    '0193f3a0-0000-4000-8000-00000000000d',
    '0193f3a0-0000-7000-c000-00000000000d',
    '0193F3A0-0000-7000-8000-00000000000d',
    '0193f3a000007000800000000000000d',
    '{0193f3a0-0000-7000-8000-00000000000d}',
    '0193f3a0-0000-7000-8000-00000000000',
    '0193f3a0-0000-7000-8000-00000000000d ',
    '0193f3a0-0000-7000-8000-00000000000d\n',
    '',
  ])('is not %j', (text) => {
    expect(isUuidV7(text)).toBe(false);
    expect(() => uuidV7TimeMs(text)).toThrow();
  });
});

// Times on the wire have one form: RFC 3339, UTC, milliseconds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTime, parseTime, timeOf } from './time.js';

const YEAR_9999_END_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const YEAR_0_MS = -62_167_219_200_000;

describe('a time', () => {
  it('comes back as it was, in every year of four digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: YEAR_0_MS, max: YEAR_9999_END_MS }), (ms) => {
        expect(parseTime(formatTime(ms))).toBe(ms);
      }),
      { numRuns: 1_000 },
    );
    expect(formatTime(0)).toBe('1970-01-01T00:00:00.000Z');
  });

  it('is parsed only from the text that it is formatted to', () => {
    const digit = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'));
    const nearly = fc
      .tuple(fc.integer({ min: 0, max: 9999 }), digit(14), digit(33), digit(25), digit(61), digit(61))
      .map(([year, month, day, hour, minute, second]) => {
        return `${String(year).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
      });
    fc.assert(
      fc.property(nearly, (text) => {
        const ms = Date.parse(text);
        const canonical = !Number.isNaN(ms) && new Date(ms).toISOString() === text;
        expect(parseTime(text)).toBe(canonical ? ms : null);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    '2026-11-20',
    '2026-11-20T08:00:00Z',
    '2026-11-20T08:00:00.0000Z',
    '2026-11-20T08:00:00.000',
    '2026-11-20T08:00:00.000+00:00',
    '2026-11-20t08:00:00.000z',
    '2026-11-20 08:00:00.000Z',
    ' 2026-11-20T08:00:00.000Z',
    '2026-11-20T08:00:00.000Z\n',
    '+002026-11-20T08:00:00.000Z',
    '2026-02-29T08:00:00.000Z',
    '2026-02-30T08:00:00.000Z',
    '2026-04-31T08:00:00.000Z',
    '2026-13-01T08:00:00.000Z',
    '2026-00-10T08:00:00.000Z',
    '2026-11-20T24:00:00.000Z',
    '2026-11-20T23:59:60.000Z',
    '1795161600000',
    '',
  ])('is not %j', (text) => {
    expect(parseTime(text)).toBeNull();
    expect(() => timeOf(text)).toThrow();
  });

  it('may be 29 February of a leap year', () => {
    expect(parseTime('2028-02-29T00:00:00.000Z')).toBe(Date.UTC(2028, 1, 29));
  });
});

// When backups fall due, by this machine's clock; and what systemd is told of it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cadence, lastDue, nextDue, onCalendarOf, parseCadence, WEEKDAYS } from './cadence.js';

const at = (text: string): number => new Date(text).getTime();

describe('a cadence', () => {
  it.each<[Parameters<typeof parseCadence>[0], string]>([
    [{}, '*-*-* 02:00:00'],
    [{ every: 'hourly', at: '0:07' }, '*-*-* *:07:00'],
    [{ every: 'daily', at: '23:59' }, '*-*-* 23:59:00'],
    [{ every: 'weekly', on: 'thursday', at: '4:05' }, 'Thu *-*-* 04:05:00'],
  ])('of %j is a calendar event of systemd', (text, event) => {
    expect(onCalendarOf(parseCadence(text))).toBe(event);
  });

  it.each([{ at: '24:00' }, { at: '2' }, { at: '02:60' }, { every: 'daily', on: 'monday' }] as const)(
    'of %j is refused',
    (text) => {
      expect(() => parseCadence(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );

  it.each<[Cadence, string, string, string]>([
    [{ every: 'daily', hour: 2, minute: 30 }, '2026-11-21T02:29:59', '2026-11-20T02:30:00', '2026-11-21T02:30:00'],
    [{ every: 'daily', hour: 2, minute: 30 }, '2026-11-21T02:30:00', '2026-11-21T02:30:00', '2026-11-22T02:30:00'],
    [{ every: 'hourly', minute: 15 }, '2026-11-21T00:10:00', '2026-11-20T23:15:00', '2026-11-21T00:15:00'],
    [
      { every: 'weekly', weekday: 'sunday', hour: 3, minute: 0 },
      '2026-11-21T12:00:00',
      '2026-11-15T03:00:00',
      '2026-11-22T03:00:00',
    ],
  ])('%j at %s fell due last and falls due next', (cadence, now, last, next) => {
    expect([lastDue(cadence, at(now)), nextDue(cadence, at(now))]).toEqual([at(last), at(next)]);
  });

  it('has its present between the last and the next time, which are neighbours', () => {
    const cadences = fc.oneof(
      fc.record({ every: fc.constant('hourly' as const), minute: fc.nat(59) }),
      fc.record({ every: fc.constant('daily' as const), hour: fc.nat(23), minute: fc.nat(59) }),
      fc.record({
        every: fc.constant('weekly' as const),
        weekday: fc.constantFrom(...WEEKDAYS),
        hour: fc.nat(23),
        minute: fc.nat(59),
      }),
    );
    fc.assert(
      fc.property(
        cadences,
        fc.integer({ min: at('2020-01-01T00:00:00'), max: at('2040-01-01T00:00:00') }),
        (cadence, now) => {
          const [last, next] = [lastDue(cadence, now), nextDue(cadence, now)];
          expect(last).toBeLessThanOrEqual(now);
          expect(next).toBeGreaterThan(now);
          expect(nextDue(cadence, last)).toBe(next);
        },
      ),
    );
  });
});

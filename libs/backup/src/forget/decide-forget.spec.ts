// What a policy keeps, at the edges of the calendar. restic itself is asked in test/forget-oracle.e2e-spec.ts.
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '#protocol';
import { testSnapshot } from '../snapshots/testing-snapshots.js';
import { decideForget } from './decide-forget.js';
import { type ForgetPolicy, formatSpan, isEmptyPolicy, parseKeepCount, parseSpan } from './forget-policy.js';
import { earlier, unitNumber } from './local-calendar.js';
import { zone } from './testing-zone.js';

const UTC = zone('UTC');
const BERLIN = zone('Europe/Berlin');
const NONE: ForgetPolicy = { keep: {}, within: {}, tags: [] };

/** The times that are kept, as they were given, oldest first. */
function kept(times: readonly string[], policy: Partial<ForgetPolicy>, offsetMinutesOf = UTC): string[] {
  const list = times.map((time) => testSnapshot({ time: `${time}.000Z` }));
  const { keep, remove } = decideForget(list, { ...NONE, ...policy }, offsetMinutesOf);
  expect(keep.length + remove.length).toBe(list.length);
  return keep.map(({ stored }) => stored.snapshot.time.slice(0, -5)).reverse();
}

describe('decideForget', () => {
  const DAYS = ['2026-11-17T08:00:00', '2026-11-18T08:00:00', '2026-11-18T20:00:00', '2026-11-20T08:00:00'];

  it.each<[string, Partial<ForgetPolicy>, number[]]>([
    ['an empty policy: all', {}, [0, 1, 2, 3]],
    ['the last', { keep: { last: 1 } }, [3]],
    ['more than there are', { keep: { last: 9 } }, [0, 1, 2, 3]],
    ['all of them', { keep: { last: Number.POSITIVE_INFINITY } }, [0, 1, 2, 3]],
    ['days that have one, and of each the last', { keep: { daily: 2 } }, [2, 3]],
    ['all days', { keep: { daily: Number.POSITIVE_INFINITY } }, [0, 2, 3]],
    ['each rule by itself', { keep: { last: 2, daily: 3 } }, [0, 2, 3]],
    ['what is newer than a span, not what is as old', { within: { all: parseSpan('2d') } }, [2, 3]],
    ['one a day within a span', { within: { daily: parseSpan('3d') } }, [2, 3]],
  ])('keeps %s', (_what, policy, expected) => {
    expect(kept(DAYS, policy)).toEqual(expected.map((i) => DAYS[i]));
  });

  it('says why, and what there is room for', () => {
    const list = DAYS.map((time) => testSnapshot({ time: `${time}.000Z`, tags: ['a', 'b'] }));
    const policy = { keep: { last: 1, daily: 9 }, within: { all: parseSpan('1d') }, tags: [['b', 'a'], ['c']] };
    const { keep } = decideForget(list, policy, UTC);
    expect(keep[0]).toMatchObject({
      reasons: ['has tags [b, a]', 'within 1d', 'last snapshot', 'daily snapshot'],
      counters: { daily: 8 },
    });
    expect(keep[3]).toMatchObject({ reasons: ['has tags [b, a]', 'daily snapshot'], counters: { daily: 6 } });
  });

  it('keeps by the days of the zone', () => {
    const times = ['2026-11-18T22:30:00', '2026-11-18T23:30:00'];
    expect(kept(times, { keep: { daily: 9 } })).toEqual([times[1]]);
    expect(kept(times, { keep: { daily: 9 } }, BERLIN)).toEqual(times);
  });

  it('takes the hour that comes twice when summer time ends for one', () => {
    const twice = ['2026-10-25T00:30:00', '2026-10-25T01:30:00', '2026-10-25T02:30:00'];
    expect(kept(twice, { keep: { hourly: 9 } }, BERLIN)).toEqual(twice.slice(1));
    expect(kept(twice, { keep: { hourly: 9 } })).toEqual(twice);
  });

  it('has weeks from Monday, of which the first has the first Thursday', () => {
    const times = ['2026-12-27T12:00:00', '2026-12-28T12:00:00', '2027-01-03T12:00:00', '2027-01-04T12:00:00'];
    expect(kept(times, { keep: { weekly: 9 } })).toEqual([times[0], times[2], times[3]]);
  });
});

describe('the calendar', () => {
  const at = (text: string): number => Date.parse(`${text}Z`);

  it.each([
    ['2026-12-31', 202_653],
    ['2027-01-03', 202_653],
    ['2027-01-04', 202_701],
    ['2024-12-30', 202_501],
    ['2023-01-01', 202_252],
    ['2020-12-31', 202_053],
  ])('%s is in ISO week %i', (day, week) => expect(unitNumber(at(`${day}T12:00`), 'week', UTC)).toBe(week));

  it.each([
    ['a month before a day that it has not', '2026-03-31T12:00', '1m', '2026-03-03T12:00', UTC],
    ['a year before 29 February', '2028-02-29T12:00', '1y', '2027-03-01T12:00', UTC],
    ['a day with 25 hours', '2026-10-25T12:00', '1d', '2026-10-24T11:00', BERLIN],
    ['24 hours of it', '2026-10-25T12:00', '24h', '2026-10-24T12:00', BERLIN],
    ['a day with 23 hours', '2026-03-29T12:00', '1d', '2026-03-28T13:00', BERLIN],
    ['across a new year', '2026-01-01T00:30', '1d', '2025-12-31T00:30', BERLIN],
    ['all units together', '2026-11-20T12:00', '1y2m3d4h', '2025-09-17T07:00', BERLIN],
  ])('counts back %s', (_what, from, span, expected, offsetMinutesOf) => {
    expect(new Date(earlier(at(from), parseSpan(span), offsetMinutesOf)).toISOString().slice(0, 16)).toBe(expected);
  });
});

describe('a policy as it is typed', () => {
  it('has counts, or all', () => {
    expect(['0', '7', '-1', 'unlimited'].map(parseKeepCount)).toEqual([0, 7, Infinity, Infinity]);
    for (const text of ['', '-2', '1.5', 'all', '1e3']) expect(() => parseKeepCount(text)).toThrow(ProtocolError);
  });

  it('has spans in any order', () => {
    expect(parseSpan('2h1y15m')).toEqual({ years: 1, months: 15, days: 0, hours: 2 });
    expect(formatSpan(parseSpan('2h1y15m'))).toBe('1y15m2h');
    for (const text of ['', '5', '5x', 'd', '-5d', '1d ']) expect(() => parseSpan(text)).toThrow(ProtocolError);
  });

  it('is empty without anything that keeps', () => {
    expect(isEmptyPolicy(NONE)).toBe(true);
    expect(isEmptyPolicy({ ...NONE, keep: { last: 0 }, within: { all: parseSpan('0d') } })).toBe(true);
    expect(isEmptyPolicy({ ...NONE, tags: [['a']] })).toBe(false);
  });
});

// Keys that sign are known before they sign and for as long as what they signed may be looked at (F2, T8).
import { describe, expect, it } from 'vitest';
import { LEASE_LIFE_MS_MAX } from '#protocol';
import { SIGNING_KEYS_PER_USE_MAX } from '../limits.js';
import { decideLanEpochs, type LanEpoch, liveEpochs } from './decide-lan-epochs.js';
import { type AgedKey, decideSigningKeys } from './decide-signing-keys.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('signing keys', () => {
  const keyLifeMs = 10 * DAY_MS;
  const key = (kid: string, days: number): AgedKey => ({ kid, createdAtMs: days * DAY_MS });
  const kids = (keys: readonly AgedKey[]): string => keys.map(({ kid }) => kid).join(' ');
  const at = (days: number, keys: readonly AgedKey[], use: 'lease' | 'release' = 'lease') =>
    decideSigningKeys(keys, { use, keyLifeMs, nowMs: days * DAY_MS });

  it.each([
    ['no key', 0, [], { signing: undefined, told: '', over: '', isNextDue: true }],
    ['the first signs at once', 0, [key('a', 0)], { signing: 'a', told: 'a', over: '', isNextDue: false }],
    ['the next is due a day before', 9, [key('a', 0)], { signing: 'a', told: 'a', over: '', isNextDue: true }],
    [
      'a new one is told first',
      9.9,
      [key('a', 0), key('b', 9)],
      { signing: 'a', told: 'b a', over: '', isNextDue: false },
    ],
    ['then it signs', 10, [key('a', 0), key('b', 9)], { signing: 'b', told: 'b a', over: '', isNextDue: false }],
    [
      'the old one is told on',
      16.9,
      [key('b', 9), key('a', 0)],
      { signing: 'b', told: 'b a', over: '', isNextDue: false },
    ],
    ['and is over', 17, [key('b', 9), key('a', 0)], { signing: 'b', told: 'b', over: 'a', isNextDue: false }],
  ] as const)('%s', (_name, days, keys, expected) => {
    const { signing, told, over, isNextDue } = at(days, keys);
    expect({ signing: signing?.kid, told: kids(told), over: kids(over), isNextDue }).toEqual(expected);
  });

  it('of releases are told for longer, and never more than fit the answer', () => {
    expect(kids(at(17, [key('b', 9), key('a', 0)], 'release').told)).toBe('b a');
    const many = Array.from({ length: 9 }, (_, i) => key(`k${i}`, i));
    const { told, over } = at(20, many, 'release');
    expect([told.length, told.length + over.length]).toEqual([SIGNING_KEYS_PER_USE_MAX, many.length]);
    expect(told[0]!.kid).toBe('k8');
  });

  it('stand for every lease that lives, whenever the broker looks (years of steps of an hour)', () => {
    let keys: readonly AgedKey[] = [];
    const signedBy: { kid: string; untilMs: number }[] = [];
    let made = 0;
    for (let nowMs = 0; nowMs < 60 * DAY_MS; nowMs += 7 * HOUR_MS) {
      const decided = decideSigningKeys(keys, { use: 'lease', keyLifeMs, nowMs });
      keys = decided.told;
      if (decided.isNextDue) keys = [...keys, { kid: `k${made++}`, createdAtMs: nowMs }];
      const { signing, told } = decideSigningKeys(keys, { use: 'lease', keyLifeMs, nowMs });
      signedBy.push({ kid: signing!.kid, untilMs: nowMs + LEASE_LIFE_MS_MAX });
      for (const { kid, untilMs } of signedBy) if (untilMs > nowMs) expect(kids(told).split(' ')).toContain(kid);
    }
    expect(made).toBeGreaterThan(4);
  });
});

describe('epochs of local networks', () => {
  const epochMs = 7 * DAY_MS;
  const step = (epochs: readonly LanEpoch[], nowMs: number): LanEpoch[] => {
    const { missing, over } = decideLanEpochs(epochs, { nowMs, epochMs });
    return [...epochs.filter((epoch) => !over.includes(epoch)), ...missing];
  };

  it('are the one of now and the next, without a gap', () => {
    let epochs: LanEpoch[] = [];
    for (let nowMs = 0; nowMs < 100 * DAY_MS; nowMs += 5 * HOUR_MS) {
      epochs = step(epochs, nowMs);
      const [current, next, ...more] = liveEpochs(epochs, nowMs);
      expect(current!.fromMs).toBeLessThanOrEqual(nowMs);
      expect([next!.fromMs, next!.epoch, more.length]).toEqual([current!.untilMs, current!.epoch + 1, 0]);
    }
  });

  it('begin anew after a broker was away, and are forgotten an epoch after their end', () => {
    const epochs = step(step([], 0), 100 * DAY_MS);
    expect(liveEpochs(epochs, 100 * DAY_MS).map(({ epoch, fromMs }) => [epoch, fromMs / DAY_MS])).toEqual([
      [3, 100],
      [4, 107],
    ]);
    expect(epochs).toHaveLength(2);
  });

  it('keep what was promised when the policy is another one', () => {
    const epochs = step([], 0);
    const { missing } = decideLanEpochs(epochs, { nowMs: 8 * DAY_MS, epochMs: DAY_MS });
    expect(missing).toEqual([{ epoch: 3, fromMs: 14 * DAY_MS, untilMs: 15 * DAY_MS }]);
  });
});

// The order of ways to a peer: LAN, direct, relay; what failed rests, and better ways are tried again.
import { describe, expect, it } from 'vitest';
import { DIRECT_REST_MS, LAN_REST_MS, ONLY_WAY_REST_MS } from '../limits.js';
import { decideWays, isUpwardDue, reasonOf, type WayFacts } from './decide-way.js';

const MINUTE_MS = 60_000;
const relay = { isOnlyWay: false };
const onlyWay = { isOnlyWay: true };
const facts = (change: Partial<WayFacts>): WayFacts => ({
  hasLan: false,
  relay: null,
  lanFailedMs: null,
  directFailedMs: null,
  metMs: 0,
  nowMs: 0,
  ...change,
});
const order = (change: Partial<WayFacts>): string[] => decideWays(facts(change)).map(({ way }) => way);

describe('the ways to a peer', () => {
  it.each<[string, Partial<WayFacts>, string[]]>([
    ['without anything else', {}, ['direct']],
    ['that failed, without anything else', { directFailedMs: 0 }, ['direct']],
    ['with a relay', { relay }, ['direct', 'relay']],
    ['of a neighbour', { relay, hasLan: true }, ['lan', 'direct', 'relay']],
    ['of a neighbour without a relay', { hasLan: true }, ['lan', 'direct']],
    ['with a relay, after direct failed', { relay, directFailedMs: 0, nowMs: DIRECT_REST_MS - 1 }, ['relay']],
    ['with a relay, a while later', { relay, directFailedMs: 0, nowMs: DIRECT_REST_MS }, ['direct', 'relay']],
    ['that the broker says is the only one', { relay: onlyWay }, ['relay']],
    [
      'that the broker says is the only one, now and then',
      { relay: onlyWay, nowMs: ONLY_WAY_REST_MS },
      ['direct', 'relay'],
    ],
    [
      'that is the only one, after direct was tried',
      { relay: onlyWay, directFailedMs: ONLY_WAY_REST_MS, nowMs: 2 * ONLY_WAY_REST_MS - 1 },
      ['relay'],
    ],
    ['of a neighbour that did not answer', { relay, hasLan: true, lanFailedMs: 0, nowMs: 1 }, ['direct', 'relay']],
    ['of a neighbour, a while later', { hasLan: true, lanFailedMs: 0, nowMs: LAN_REST_MS }, ['lan', 'direct']],
  ])('%s', (_what, change, ways) => {
    expect(order(change)).toEqual(ways);
  });

  it('the way before gets a short head start, not a whole time out', () => {
    for (const { way, headStartMs } of decideWays(facts({ relay, hasLan: true }))) {
      if (way !== 'relay') expect(headStartMs).toBeGreaterThan(0);
      expect(headStartMs).toBeLessThan(1_000);
    }
  });
});

describe('a way in use', () => {
  it.each<['lan' | 'direct' | 'relay' | null, Partial<WayFacts>, boolean]>([
    [null, {}, false],
    ['direct', {}, false],
    ['direct', { hasLan: true }, true],
    ['direct', { hasLan: true, lanFailedMs: 0 }, false],
    ['lan', { hasLan: true, relay }, false],
    ['relay', { relay, directFailedMs: 0, nowMs: MINUTE_MS }, false],
    ['relay', { relay, directFailedMs: 0, nowMs: DIRECT_REST_MS }, true],
    ['relay', { relay: onlyWay, nowMs: MINUTE_MS }, false],
    ['relay', { relay: onlyWay, hasLan: true, nowMs: MINUTE_MS }, true],
    ['relay', {}, true],
  ])('%s, %o: a better one is tried: %s', (inUse, change, isDue) => {
    expect(isUpwardDue(inUse, facts(change))).toBe(isDue);
  });

  it('has a reason', () => {
    expect(reasonOf('lan', ['lan'], [], null)).toBe('neighbour');
    expect(reasonOf('direct', ['lan', 'direct'], ['lan'], null)).toBe('direct_answers');
    expect(reasonOf('relay', ['relay'], [], null)).toBe('only_way');
    expect(reasonOf('relay', ['direct', 'relay'], ['direct'], 'only_way')).toBe('direct_failed');
    expect(reasonOf('relay', ['direct', 'relay'], [], null)).toBe('direct_slow');
    expect(reasonOf('relay', ['relay'], [], 'direct_slow')).toBe('direct_slow');
  });
});

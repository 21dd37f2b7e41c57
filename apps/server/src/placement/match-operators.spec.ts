// Operators and networks are counted, and no assignment of hosts counts more of them (B24).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId, PeerId } from '#protocol';
import { countDistinctOperators, countIndependentHosts, type Place } from './match-operators.js';

const place = (operator: number, network: number): Place => ({
  peerId: `peer-${operator}-${network}` as PeerId,
  accountId: `account-${operator}` as AccountId,
  network: `network-${network}`,
});

/** Every way to choose: for the oracle only. */
function mostDistinct([first, ...rest]: readonly Place[], operators: Set<string>, networks: Set<string>): number {
  if (first === undefined) return 0;
  const without = mostDistinct(rest, operators, networks);
  if (operators.has(first.accountId) || networks.has(first.network)) return without;
  const withIt = mostDistinct(rest, new Set([...operators, first.accountId]), new Set([...networks, first.network]));
  return Math.max(without, 1 + withIt);
}

describe('countDistinctOperators', () => {
  it('agrees with trying everything', () => {
    const places = fc
      .array(fc.tuple(fc.nat(4), fc.nat(4)), { maxLength: 10 })
      .map((all) => all.map(([o, n]) => place(o, n)));
    fc.assert(
      fc.property(places, (all) => {
        expect(countDistinctOperators(all)).toBe(mostDistinct(all, new Set(), new Set()));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['nobody', [], 0],
    ['one with ten machines', Array.from({ length: 10 }, (_, i) => place(1, i)), 1],
    ['ten in one network', Array.from({ length: 10 }, (_, i) => place(i, 1)), 1],
    ['two, one of whom can go elsewhere', [place(1, 1), place(2, 1), place(1, 2)], 2],
    ['three in a chain', [place(1, 1), place(2, 1), place(2, 2), place(3, 2), place(1, 3)], 3],
  ])('%s', (_who, places, distinct) => {
    expect(countDistinctOperators(places)).toBe(distinct);
  });

  it('stops where it is told that it is enough', () => {
    expect(
      countDistinctOperators(
        Array.from({ length: 10 }, (_, i) => place(i, i)),
        4,
      ),
    ).toBe(4);
  });
});

describe('countIndependentHosts', () => {
  it.each([
    ['nobody', [], 0],
    ['machines of one operator in networks of their own', [place(1, 1), place(1, 2), place(1, 3)], 3],
    ['machines of one operator in one network', [place(1, 1), place(1, 1)], 1],
    ['machines of two operators', [place(1, 1), place(1, 2), place(2, 3)], 2],
  ])('%s', (_who, places, count) => {
    expect(countIndependentHosts(places)).toBe(count);
  });
});

// What storing costs and hosting earns, whatever comes (B22).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId } from '#protocol';
import type { Movement } from '../ledger/movement.js';
import { decideCharge } from './decide-charge.js';
import { decideAllowance, decideExchange, decideHour } from './decide-exchange.js';

const account = 'a' as AccountId;

/** The purses after the movements; throws when one would be below zero. */
function after(
  purses: { available: bigint; withheld: bigint },
  movements: readonly Movement[],
): { available: bigint; withheld: bigint } {
  const balances = new Map<string, bigint>([
    [`available:${account}`, purses.available],
    [`withheld:${account}`, purses.withheld],
  ]);
  for (const { debit, credit, amount } of movements) {
    const left = (balances.get(debit) ?? 0n) - amount;
    if (debit !== 'issuance' && left < 0n) throw new Error(`${debit} is below zero`);
    balances.set(debit, left);
    balances.set(credit, (balances.get(credit) ?? 0n) + amount);
  }
  return { available: balances.get(`available:${account}`)!, withheld: balances.get(`withheld:${account}`)! };
}

describe('decideCharge', () => {
  it.each([
    ['4 of 6 at 1.5: its bytes', 4, 6, 1.5, 1_000, 1_000],
    ['8 of 20 at 2.5: its bytes', 8, 20, 2.5, 1_000, 1_000],
    ['1 of 2 at 1.5', 1, 2, 1.5, 1_000, 750],
    ['rounded up', 1, 3, 2.5, 1_000, 834],
    ['of one byte', 1, 256, 0.001, 1, 1],
    ['of the largest shard, exactly', 256, 256, 99.999, 64 * 1024 * 1024, 6_710_819_292],
  ])('%s', (_, dataShards, totalShards, ratio, sizeBytes, charge) => {
    expect(decideCharge({ sizeBytes, dataShards, totalShards, ratio })).toBe(charge);
  });
});

describe('decideAllowance', () => {
  it('is the average over the whole window: a byte for an hour is next to nothing, for all of it a byte', () => {
    const ofHours = (hours: bigint): bigint =>
      decideAllowance({ earnedByteHours: 7_200n * hours, withheldByteHours: 0n }, 30).earned;
    expect([1n, 24n, 360n, 720n].map(ofHours)).toEqual([10n, 240n, 3_600n, 7_200n]);
  });
});

describe('decideHour', () => {
  it.each([
    [true, true, false, 'earned'],
    [true, true, true, 'withheld'],
    [false, true, false, 'nothing'],
    [true, false, false, 'nothing'],
    [true, false, true, 'nothing'],
  ] as const)(
    'there %s, in good standing %s, on probation %s: %s',
    (isReachable, isInGoodStanding, isOnProbation, counts) => {
      expect(decideHour({ isReachable, isInGoodStanding, isOnProbation })).toBe(counts);
    },
  );
});

describe('decideExchange', () => {
  const kindsOf = (
    granted: bigint,
    withheld: bigint,
    allowance: { earned: bigint; withheld: bigint },
    available = 0n,
  ) =>
    decideExchange({ accountId: account, day: 1, allowance, granted, available, withheld }).movements.map(
      ({ kind, amount }) => `${kind} ${amount}`,
    );

  it.each([
    ['earns', 0n, 0n, 100n, 0n, 0n, ['earn 100']],
    ['withholds', 0n, 0n, 0n, 100n, 0n, ['withhold 100']],
    ['vests what was withheld, and earns the rest', 0n, 60n, 100n, 0n, 0n, ['vest 60', 'earn 40']],
    ['forfeits what a machine on probation had', 50n, 60n, 50n, 0n, 0n, ['forfeit 60']],
    ['lapses, from what is free', 100n, 0n, 70n, 0n, 20n, ['lapse 20']],
    ['does nothing when nothing changed', 100n, 50n, 100n, 50n, 9n, []],
  ] as const)('%s', (_, granted, withheld, earned, waiting, available, expected) => {
    expect(kindsOf(granted, withheld, { earned, withheld: waiting }, available)).toEqual(expected);
  });

  it('brings any account to its allowance and no further, never below zero; again it does nothing', () => {
    const amount = fc.bigInt({ min: 0n, max: 2n ** 60n });
    fc.assert(
      fc.property(amount, amount, amount, amount, amount, (granted, available, withheld, earned, waiting) => {
        const allowance = { earned, withheld: waiting };
        const before = { accountId: account, day: 1, allowance, granted, available, withheld };
        const decision = decideExchange(before);
        const purses = after({ available, withheld }, decision.movements);
        expect(purses.withheld).toBe(waiting);
        // What is granted is what the account really got; what could not lapse yet is still owed.
        expect(purses.available - available).toBe(decision.granted - granted);
        if (earned >= granted) expect(decision.granted).toBe(earned);
        else expect(purses.available === 0n || decision.granted === earned).toBe(true);
        // Who owes has nothing to spend, and owes no more than what was granted beyond what is earned.
        expect(decision.owed).toBe(decision.granted - (earned >= granted ? decision.granted : earned));
        expect(decision.owed === 0n || purses.available === 0n).toBe(true);
        expect(new Set(decision.movements.map(({ kind }) => kind)).size).toBe(decision.movements.length);
        const again = decideExchange({ ...before, ...purses, granted: decision.granted });
        expect(again.movements.filter(({ kind }) => kind !== 'lapse')).toEqual([]);
      }),
      { seed: 22 },
    );
  });
});

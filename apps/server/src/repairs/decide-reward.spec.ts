// Repair makes no credit: whoever drops shards so that a friend is paid for repairing them has no more than before (B25).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId } from '#protocol';
import { decideReward, type RepairedShard } from './decide-reward.js';
import { repairPolicy } from './repair-policy.js';

const account = (name: string): AccountId => name as AccountId;
const MiB = 1024 ** 2;
const policy = { ...repairPolicy.parse({}), rewardPerByte: 0.01 };
const SHARD: RepairedShard = {
  isStored: true,
  sizeBytes: MiB,
  workerAccountId: account('worker'),
  ownerAccountId: account('owner'),
  hostAccountId: account('host'),
  lostAccountId: account('loser'),
  rewardedTodayBytes: 0,
  lostAvailable: 1_000_000_000n,
};
const REWARD = BigInt(Math.floor(MiB * 0.01));

describe('decideReward (B22, B25)', () => {
  it('pays by the byte', () => {
    expect(decideReward(SHARD, policy)).toBe(REWARD);
  });

  it.each<[string, Partial<RepairedShard>]>([
    ['a shard that nobody signed for', { isStored: false }],
    ['its own object', { ownerAccountId: account('worker') }],
    ['a shard that it brought to its own host', { hostAccountId: account('worker') }],
    ['a shard that its own host lost', { lostAccountId: account('worker') }],
    ['more than a day may bring', { rewardedTodayBytes: policy.rewardedBytesPerDayMax }],
    ['what the loser has not', { lostAvailable: 0n }],
  ])('pays nothing for %s', (_, shard) => {
    expect(decideReward({ ...SHARD, ...shard }, policy)).toBe(0n);
  });

  it('leaves a ring of accounts that drop and repair for each other with no more than it had, whatever it does', () => {
    const ring = ['a', 'b', 'c', 'd'].map(account);
    const repair = fc.record({
      worker: fc.constantFrom(...ring),
      loser: fc.constantFrom(...ring),
      host: fc.constantFrom(...ring, account('stranger')),
      owner: fc.constantFrom(...ring, account('stranger')),
      sizeBytes: fc.integer({ min: 1, max: 64 * MiB }),
    });
    fc.assert(
      fc.property(fc.array(repair, { maxLength: 200 }), fc.nat(1_000_000), (repairs, start) => {
        const available = new Map(ring.map((one) => [one, BigInt(start)]));
        const sum = (): bigint => [...available.values()].reduce((total, each) => total + each, 0n);
        const before = sum();
        for (const { worker, loser, host, owner, sizeBytes } of repairs) {
          const people = { workerAccountId: worker, lostAccountId: loser, hostAccountId: host, ownerAccountId: owner };
          const paid = decideReward({ ...SHARD, ...people, sizeBytes, lostAvailable: available.get(loser)! }, policy);
          // As pay-repairs.ts moves it: out of the loser's purse, into the worker's.
          available.set(loser, available.get(loser)! - paid);
          available.set(worker, available.get(worker)! + paid);
          expect(available.get(loser)! >= 0n).toBe(true);
        }
        expect(sum()).toBe(before);
      }),
    );
  });
});

// What a worker is paid for one shard that it rebuilt, and the account of the host that lost it pays. Pure.
import type { AccountId } from '#protocol';
import type { RepairPolicy } from './repair-policy.js';

export interface RepairedShard {
  /** Both ends said so, and it is where the worker was to bring it. */
  readonly isStored: boolean;
  readonly sizeBytes: number;
  readonly workerAccountId: AccountId;
  readonly ownerAccountId: AccountId;
  /** Of its new host. */
  readonly hostAccountId: AccountId;
  /** Of the host that lost it. */
  readonly lostAccountId: AccountId;
  readonly rewardedTodayBytes: number;
  /** What that account has free. */
  readonly lostAvailable: bigint;
}

/**
 * Nothing for what stays within one operator: its own objects, its own hosts, what its own hosts lost. And never more than
 * the account of the loser has: so a repair makes no credit, whoever stands on its two sides.
 */
export function decideReward(
  shard: RepairedShard,
  policy: Pick<RepairPolicy, 'rewardPerByte' | 'rewardedBytesPerDayMax'>,
): bigint {
  const { workerAccountId, ownerAccountId, hostAccountId, lostAccountId, sizeBytes, lostAvailable } = shard;
  if (!shard.isStored) return 0n;
  if ([ownerAccountId, hostAccountId, lostAccountId].includes(workerAccountId)) return 0n;
  if (shard.rewardedTodayBytes + sizeBytes > policy.rewardedBytesPerDayMax) return 0n;
  const reward = BigInt(Math.floor(sizeBytes * policy.rewardPerByte));
  return reward < lostAvailable ? reward : lostAvailable;
}

// What a stored shard costs (B22). Pure.
import { strict as assert } from 'node:assert';

const RATIO_STEPS = 1_000;

/**
 * Its share of what its object costs: the bytes of the object times the ratio of its class, over all n shards. With
 * ratio = n / k that is exactly the shard's bytes. At least 1.
 *
 * returns   bytes of credit, rounded up
 */
export function decideCharge(shard: {
  readonly sizeBytes: number;
  readonly dataShards: number;
  readonly totalShards: number;
  readonly ratio: number;
}): number {
  const { sizeBytes, dataShards, totalShards, ratio } = shard;
  assert(sizeBytes >= 1);
  assert(dataShards <= totalShards);
  // Whole numbers: a charge must be the same wherever it is computed.
  const share = BigInt(sizeBytes) * BigInt(Math.round(ratio * RATIO_STEPS)) * BigInt(dataShards);
  const over = BigInt(totalShards) * BigInt(RATIO_STEPS);
  return Number((share + over - 1n) / over);
}

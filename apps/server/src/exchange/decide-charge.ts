// What a stored shard costs its owner, and what of it its host earns by (B22, B25). Pure.
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

/**
 * The bytes that a host earns by, of content that it holds: what is paid for it, and no more bytes than there are. So all that
 * hosts earn is in somebody's `used`, whatever the code and the ratio, and nobody gains by storing for themselves under other
 * names (docs/decisions/0031-credit-under-attack.md). proved-rows.ts adds this up in SQL.
 */
export function earnedBytes({ sizeBytes, charge }: { readonly sizeBytes: number; readonly charge: number }): number {
  return Math.min(sizeBytes, charge);
}

// The public face of erasure coding: one object into n shards, any k of them back into all, and how sure that makes it.
export {
  type Durability,
  type DurabilityRequest,
  durabilityOf,
  HOURS_PER_YEAR,
  yearlyLossRateOf,
} from './durability.js';
export { ReedSolomon } from './reed-solomon.js';
export { lossProbability, meanHoursToLoss, type ShardLossChain } from './shard-loss-chain.js';
export { type Filling, joinObject, SHARD_STEP_BYTES, shardBytesFor, splitObject } from './split-object.js';

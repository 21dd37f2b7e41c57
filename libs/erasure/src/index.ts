// The public face of erasure coding: one object into n shards, and any k of them back into all.
export { ReedSolomon } from './reed-solomon.js';
export { type Filling, joinObject, SHARD_STEP_BYTES, shardBytesFor, splitObject } from './split-object.js';

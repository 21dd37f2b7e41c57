// Between an object and its k data shards. The last shards are filled to whole lines with the object's own bytes.
import { strict as assert } from 'node:assert';

export type Filling = 'own' | 'zeros';

/** Shards are whole multiples of this, so that all begin on a cache line when the object does. */
export const SHARD_STEP_BYTES = 64;

/** The size of each of an object's n shards: ceil(objectBytes / k / 64) * 64. Zero for an empty object. */
export function shardBytesFor(objectBytes: number, dataShards: number): number {
  assert(Number.isSafeInteger(objectBytes));
  assert(objectBytes >= 0);
  assert(Number.isInteger(dataShards));
  assert(dataShards >= 1);
  return Math.ceil(objectBytes / (dataShards * SHARD_STEP_BYTES)) * SHARD_STEP_BYTES;
}

/**
 * Cut an object into k data shards.
 *
 * filling  what the last shards are filled with: `own`, the object from its start again and again; `zeros` makes the
 *          shards of objects that were stored before there was another filling
 * returns  k shards of shardBytesFor(object.length, k) bytes. Those that lie wholly inside the object are views of it,
 *          not copies: all of them when its length is a multiple of k * 64. The others are copies, filled. Zeros make
 *          equal shards of different small objects, and at a host equal content is one: of two deletions of it the
 *          second finds nothing.
 */
export function splitObject(object: Uint8Array, dataShards: number, filling: Filling = 'own'): Uint8Array[] {
  const shardBytes = shardBytesFor(object.length, dataShards);
  return Array.from({ length: dataShards }, (_, index) => {
    const start = index * shardBytes;
    const view = object.subarray(start, start + shardBytes);
    if (view.length === shardBytes) return view;
    const filled = new Uint8Array(shardBytes);
    filled.set(view);
    if (filling === 'zeros') return filled;
    for (let at = view.length; at < shardBytes; at += object.length)
      filled.set(object.subarray(0, shardBytes - at), at);
    return filled;
  });
}

/**
 * The inverse of splitObject: the object's bytes, copied, without the fill.
 *
 * data         the k data shards in order
 * objectBytes  the length of the object
 */
export function joinObject(data: readonly Uint8Array[], objectBytes: number): Uint8Array {
  const shardBytes = shardBytesFor(objectBytes, data.length);
  const object = new Uint8Array(objectBytes);
  data.forEach((shard, index) => {
    assert(shard.length === shardBytes);
    const start = index * shardBytes;
    if (start < objectBytes) object.set(shard.subarray(0, objectBytes - start), start);
  });
  return object;
}

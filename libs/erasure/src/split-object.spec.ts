// Tests of cutting an object into data shards and joining them again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinObject, shardBytesFor, splitObject } from './split-object.js';

describe('shardBytesFor', () => {
  it.each([
    [0, 4, 0],
    [1, 1, 64],
    [64, 1, 64],
    [65, 1, 128],
    [256, 4, 64],
    [257, 4, 128],
    [16_777_216, 20, 838_912],
    [268_435_456, 4, 67_108_864],
  ])('of %i bytes in %i shards is %i', (objectBytes, dataShards, shardBytes) => {
    expect(shardBytesFor(objectBytes, dataShards)).toBe(shardBytes);
  });

  it.each([
    [-1, 4],
    [1.5, 4],
    [100, 0],
  ])('refuses %d bytes in %d shards', (objectBytes, dataShards) => {
    expect(() => shardBytesFor(objectBytes, dataShards)).toThrow();
  });
});

describe('splitObject', () => {
  it('copies nothing of an object that fills its shards', () => {
    const object = new Uint8Array(3 * 128);
    const shards = splitObject(object, 3);
    object.fill(7);
    expect(shards.map((shard) => shard.length)).toEqual([128, 128, 128]);
    for (const shard of shards) expect(shard).toEqual(new Uint8Array(128).fill(7));
  });

  it('fills the last shards with zeros, and leaves the object and what lies behind it alone', () => {
    const buffer = new Uint8Array(300).fill(9);
    const shards = splitObject(buffer.subarray(0, 70), 4);
    const second = new Uint8Array(64);
    second.fill(9, 0, 6);
    expect(shards).toEqual([new Uint8Array(64).fill(9), second, new Uint8Array(64), new Uint8Array(64)]);
    shards[1]!.fill(1);
    expect(buffer).toEqual(new Uint8Array(300).fill(9));
  });

  it('is undone by joinObject', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), fc.integer({ min: 1, max: 256 }), (object, dataShards) => {
        expect(joinObject(splitObject(object, dataShards), object.length)).toEqual(Uint8Array.from(object));
      }),
    );
  });

  it('has an inverse that refuses shards of another size', () => {
    expect(() => joinObject([new Uint8Array(64), new Uint8Array(128)], 100)).toThrow();
    expect(() => joinObject([new Uint8Array(128), new Uint8Array(128)], 100)).toThrow();
  });
});

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

  it('fills the last shards from the start of the object, and leaves it and what lies behind it alone', () => {
    const buffer = Uint8Array.from({ length: 300 }, (_, i) => (i < 70 ? i : 255));
    const shards = splitObject(buffer.subarray(0, 70), 4);
    const counted = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
    expect(shards.map((shard) => [...shard])).toEqual([
      counted(0, 64),
      [...counted(64, 70), ...counted(0, 58)],
      counted(0, 64),
      counted(0, 64),
    ]);
    shards[1]!.fill(1);
    expect([...buffer.subarray(0, 70)]).toEqual(counted(0, 70));
    expect(new Set(buffer.subarray(70))).toEqual(new Set([255]));
  });

  it('repeats an object that is shorter than what is to be filled', () => {
    expect([...splitObject(Uint8Array.of(1, 2, 3), 1)[0]!]).toEqual(Array.from({ length: 64 }, (_, i) => (i % 3) + 1));
  });

  it('makes no shard that another object has too', () => {
    const shards = [1, 2].flatMap((byte) => splitObject(new Uint8Array(70).fill(byte), 4));
    const others = splitObject(new Uint8Array(70).fill(3), 4);
    expect(shards.filter((shard) => others.some((other) => Buffer.compare(shard, other) === 0))).toEqual([]);
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

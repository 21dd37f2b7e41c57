// --read-data-subset: fixed parts that are everything together, and shares that are chosen at random.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ObjectId, uuidV7 } from '#protocol';
import { chooseObjects, parseDataSubset } from './choose-objects.js';

const objects = Array.from({ length: 1_000 }, (_, i) => ({
  objectId: uuidV7<ObjectId>(1_790_000_000_000 + i, randomBytes(10)),
  sizeBytes: 1_000,
}));
const chosen = (text: string, from = objects, random = Math.random) =>
  chooseObjects(from, parseDataSubset(text)!, random);

describe('a subset of the data', () => {
  it('is one of n parts, which are of about one size, and everything together', () => {
    const parts = [1, 2, 3, 4].map((n) => chosen(`${n}/4`));
    expect(parts.flat().sort(byId)).toEqual([...objects].sort(byId));
    for (const part of parts) expect(part.length).toBeGreaterThan(170);
    expect(chosen('2/4')).toEqual(parts[1]);
  });

  it('is a share, or about so many bytes, each object once and in the order of the list', () => {
    for (const [text, count] of [
      ['10%', 100],
      ['0.01%', 1],
      ['100%', 1_000],
      ['250000', 250],
      ['100K', 102],
    ] as const) {
      const some = chosen(text);
      expect([text, some.length, new Set(some).size]).toEqual([text, count, count]);
      expect(some).toEqual([...some].sort(byId));
    }
    expect(chosen('1T')).toEqual(objects);
    expect(chosen('5%', [])).toEqual([]);
    expect(chosen('1%', objects, () => 0)).toEqual(objects.slice(0, 10));
    expect(chosen('1%', objects, () => 0.999_999)).not.toEqual(objects.slice(0, 10));
  });

  it('is nothing else', () => {
    for (const text of ['', '0/4', '5/4', '1/257', '0%', '101%', '-1%', '0', '1.5', 'x', '1/', '5X', '1/2/3']) {
      expect(parseDataSubset(text), text).toBeNull();
    }
  });
});

function byId(left: { objectId: ObjectId }, right: { objectId: ObjectId }): number {
  return left.objectId < right.objectId ? -1 : 1;
}

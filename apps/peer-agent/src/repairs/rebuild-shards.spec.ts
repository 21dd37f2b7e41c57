// Any k shards of an object give the others, with whatever it was filled; nothing wrong comes out.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Filling, ReedSolomon, splitObject } from '#erasure';
import { contentIdOf } from '#protocol';
import { rebuildShards } from './rebuild-shards.js';

function codedShards(sizeBytes: number, dataShards: number, totalShards: number, filling: Filling): Uint8Array[] {
  const data = splitObject(randomBytes(sizeBytes), dataShards, filling);
  const parity = Array.from({ length: totalShards - dataShards }, () => new Uint8Array(data[0]!.length));
  new ReedSolomon(dataShards, totalShards).encode(data, parity);
  return [...data, ...parity];
}
const targetsOf = (shards: readonly Uint8Array[], indexes: readonly number[]) =>
  indexes.map((index) => ({ index, cid: contentIdOf(shards[index]!) }));

describe('rebuildShards', () => {
  it('gives the missing shards from any k others', () => {
    const anyLoss = fc
      .record({ dataShards: fc.integer({ min: 1, max: 6 }), spare: fc.integer({ min: 1, max: 5 }) })
      .chain(({ dataShards, spare }) =>
        fc.record({
          dataShards: fc.constant(dataShards),
          totalShards: fc.constant(dataShards + spare),
          order: fc.shuffledSubarray(
            Array.from({ length: dataShards + spare }, (_, index) => index),
            { minLength: dataShards + spare },
          ),
          sizeBytes: fc.integer({ min: 1, max: 5_000 }),
          filling: fc.constantFrom<Filling>('own', 'zeros'),
        }),
      );
    fc.assert(
      fc.property(anyLoss, ({ dataShards, totalShards, order, sizeBytes, filling }) => {
        const shards = codedShards(sizeBytes, dataShards, totalShards, filling);
        const missing = order.slice(dataShards);
        const sources = new Map(order.slice(0, dataShards).map((index) => [index, shards[index]!]));
        const rebuilt = rebuildShards({ dataShards, totalShards, sources, targets: targetsOf(shards, missing) });
        expect(rebuilt.map((bytes) => Buffer.from(bytes))).toEqual(missing.map((index) => Buffer.from(shards[index]!)));
      }),
      { numRuns: 50 },
    );
  });

  it('refuses when what comes out is not what the broker knows', () => {
    const shards = codedShards(1_000, 2, 4, 'own');
    const others = codedShards(1_000, 2, 4, 'own');
    const sources = new Map([
      [0, shards[0]!],
      [1, others[1]!],
    ]);
    const rebuild = () => rebuildShards({ dataShards: 2, totalShards: 4, sources, targets: targetsOf(shards, [3]) });
    expect(rebuild).toThrow(expect.objectContaining({ code: 'shard_content_mismatch' }));
  });

  it('refuses with fewer than k', () => {
    const shards = codedShards(1_000, 3, 4, 'own');
    const sources = new Map([[0, shards[0]!]]);
    const rebuild = () => rebuildShards({ dataShards: 3, totalShards: 4, sources, targets: targetsOf(shards, [3]) });
    expect(rebuild).toThrow(expect.objectContaining({ code: 'object_unavailable' }));
  });
});

// The chunk index: against a plain map, its memory at a million chunks, and objects that are forgotten.
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ObjectId, uuidV7 } from '#protocol';
import { ChunkIndex } from './chunk-index.js';
import type { ChunkEntry } from './objects/object-codec.js';

function objectIdOf(number: number): ObjectId {
  const entropy = Buffer.alloc(10);
  entropy.writeUInt32BE(number, 6);
  return uuidV7(1_790_000_000_000, entropy);
}

/** Few ids that share their first word, so that chains of slots meet. */
function chunkIdOf(number: number): Buffer {
  const chunkId = Buffer.alloc(32, 1);
  chunkId.writeUInt32LE(number % 3, 0);
  chunkId.writeUInt32LE(number, 28);
  return chunkId;
}

const entryOf = (chunkId: Uint8Array, index: number): ChunkEntry => ({
  chunkId,
  index,
  offset: 80 + index * 100,
  storedBytes: 100,
  rawBytes: 90 + index,
});

describe('ChunkIndex', () => {
  it('answers as a map would, through additions and forgettings', () => {
    const step = fc.oneof(
      fc.record({ object: fc.nat(20), chunks: fc.array(fc.nat(60), { maxLength: 8 }) }),
      fc.record({ forget: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const index = new ChunkIndex();
        const objects = new Set<ObjectId>();
        const model = new Map<number, { objectId: ObjectId; entry: ChunkEntry }>();
        // Chunks that some object answered for: one that is known takes over no others.
        const answered = new Set<number>();
        for (const one of steps) {
          if ('forget' in one) {
            const objectId = objectIdOf(one.forget);
            index.forgetObject(objectId);
            objects.delete(objectId);
            for (const [number, location] of model) if (location.objectId === objectId) model.delete(number);
            continue;
          }
          const objectId = objectIdOf(one.object);
          const entries = one.chunks.map((number, i) => entryOf(chunkIdOf(number), i));
          index.addObject(objectId, entries);
          const isKnown = objects.has(objectId);
          objects.add(objectId);
          one.chunks.forEach((number, i) => {
            if (model.has(number) || (isKnown && !answered.has(number))) return;
            model.set(number, { objectId, entry: entries[i]! });
            answered.add(number);
          });
        }
        expect(index.size).toBe(model.size);
        expect([...index.objectIds()].sort()).toEqual([...objects].sort());
        for (let number = 0; number <= 60; number++) {
          expect(index.get(chunkIdOf(number))).toEqual(model.get(number));
          expect(index.has(chunkIdOf(number))).toBe(model.has(number));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('holds a million chunks in less than 100 MB and finds every one', () => {
    const chunks = 1_000_000;
    const perObject = 16;
    const ids = createCipheriv('aes-256-ctr', Buffer.alloc(32, 5), Buffer.alloc(16)).update(Buffer.alloc(chunks * 32));
    const idAt = (number: number) => ids.subarray(number * 32, number * 32 + 32);
    const before = process.memoryUsage();
    const index = new ChunkIndex();
    for (let first = 0; first < chunks; first += perObject) {
      const entries = Array.from({ length: perObject }, (_, i) => entryOf(idAt(first + i), i));
      index.addObject(objectIdOf(first), entries);
    }
    const after = process.memoryUsage();
    expect(index.size).toBe(chunks);
    // Typed arrays; the table of slots that was outgrown may still be counted.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(80e6);
    for (let number = 0; number < chunks; number += 7) {
      const found = index.get(idAt(number))!;
      const i = number % perObject;
      if (found.objectId !== objectIdOf(number - i) || found.entry.rawBytes !== 90 + i || found.entry.index !== i) {
        expect.unreachable(`chunk ${number} answers ${JSON.stringify(found)}`);
      }
    }
    expect(index.get(Buffer.alloc(32, 0xee))).toBeUndefined();
  });
});

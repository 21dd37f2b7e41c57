// Building objects: what goes in comes out, when an object is full, and what an onlooker may not learn.
import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHex, type ObjectId } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import { deriveDataKeys } from '../keys.js';
import { CHUNK_BYTES_MAX, OBJECT_CHUNKS_MAX, OBJECT_PADDED_BYTES_MAX, OBJECT_TARGET_BYTES } from '../limits.js';
import { ObjectBuilder } from './object-builder.js';
import { objectKeyOf, openChunk, openObject } from './open-object.js';
import { paddedBytes } from './padding.js';

const keys = deriveDataKeys(new Uint8Array(32).fill(1));
const objectId = '01a3d2b4-5c6e-7f80-9123-456789abcdef' as ObjectId;
const builder = new ObjectBuilder(keys, 'tree', randomBytes);

describe('ObjectBuilder', () => {
  it('seals objects that open to what was added, from plaintexts that are overwritten at once', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 20_000 }).map((length) => new Uint8Array(length).fill(length)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1, maxLength: 40 }), (plaintexts) => {
        for (const plaintext of plaintexts) {
          const reused = Buffer.from(plaintext);
          builder.add(identifyChunk(keys.chunkIdKey, reused));
          reused.fill(0xff);
        }
        const endBytes = builder.sealedBytes;
        const sealed = builder.seal(objectId);
        expect(builder.isEmpty).toBe(true);
        expect(sealed.bytes.length).toBe(paddedBytes(endBytes));
        const key = objectKeyOf(keys, objectId, sealed.bytes);
        const opened = openObject(key, sealed.bytes);
        expect(opened.kind).toBe('tree');
        expect(opened.entries).toEqual(sealed.entries);
        const found = opened.entries.map((entry) => encodeHex(openChunk(keys, key, sealed.bytes, entry)));
        expect(found.sort()).toEqual(plaintexts.map(encodeHex).sort());
      }),
      { numRuns: 60 },
    );
  });

  it('is full at the target, and the fullest object keeps the bound', () => {
    const stream = createCipheriv('aes-256-ctr', Buffer.alloc(32, 6), Buffer.alloc(16));
    const addRandom = (length: number) =>
      builder.add(identifyChunk(keys.chunkIdKey, stream.update(Buffer.alloc(length))));
    addRandom(OBJECT_TARGET_BYTES - 3 * CHUNK_BYTES_MAX - 1_000);
    for (let i = 0; i < 3; i++) addRandom(CHUNK_BYTES_MAX);
    expect(builder.isFull).toBe(false);
    addRandom(CHUNK_BYTES_MAX);
    expect(builder.isFull).toBe(true);
    expect(() => addRandom(1)).toThrow();
    const { bytes, entries } = builder.seal(objectId);
    expect(bytes.length).toBeGreaterThan(OBJECT_TARGET_BYTES + CHUNK_BYTES_MAX - 1_000);
    expect(bytes.length).toBeLessThanOrEqual(OBJECT_PADDED_BYTES_MAX);
    const key = objectKeyOf(keys, objectId, bytes);
    for (const entry of entries) expect(openChunk(keys, key, bytes, entry).length).toBe(entry.rawBytes);
  });

  it('is full of tiny chunks at their greatest number', () => {
    // Adding to a full builder throws, so it is full at the last chunk and not before.
    for (let i = 0; i < OBJECT_CHUNKS_MAX; i++) {
      builder.add(identifyChunk(keys.chunkIdKey, Buffer.of(i & 255, i >> 8)));
    }
    expect(builder.isFull).toBe(true);
    const { bytes } = builder.seal(objectId);
    expect(openObject(objectKeyOf(keys, objectId, bytes), bytes).entries.length).toBe(OBJECT_CHUNKS_MAX);
  });

  it('puts chunks in an order that does not follow the file', () => {
    const ids = Array.from({ length: 64 }, (_, i) => identifyChunk(keys.chunkIdKey, Buffer.of(i)));
    const orderOf = () => {
      for (const chunk of ids) builder.add(chunk);
      return builder.seal(objectId).entries.map((entry) => encodeHex(entry.chunkId));
    };
    const added = ids.map((chunk) => encodeHex(chunk.chunkId));
    const first = orderOf();
    expect([...first].sort()).toEqual([...added].sort());
    expect(first).not.toEqual(added);
    expect(orderOf()).not.toEqual(first);
  });

  it('seals the same chunks to other bytes each time, under a fresh key', () => {
    const sealOne = () => {
      builder.add(identifyChunk(keys.chunkIdKey, Buffer.alloc(500, 'the same')));
      return builder.seal(objectId).bytes;
    };
    const [left, right] = [sealOne(), sealOne()];
    expect(left.length).toBe(right.length);
    let equalBytes = 0;
    for (let i = 0; i < left.length; i++) if (left[i] === right[i]) equalBytes++;
    // About one byte in 256 is equal by chance.
    expect(equalBytes).toBeLessThan(left.length / 16);
  });

  it('does not seal an empty object', () => {
    expect(() => builder.seal(objectId)).toThrow();
  });
});

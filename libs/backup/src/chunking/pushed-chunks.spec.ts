// Pushed bytes are cut where pulled bytes would be, whatever the pieces.
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { Chunker } from './chunk-stream.js';
import { expandGearTable } from './fastcdc.js';
import { PushedChunks } from './pushed-chunks.js';

const MiB = 1024 * 1024;
const KEY = new Uint8Array(32).fill(3);
const gear = expandGearTable(KEY);
const random = createCipheriv('aes-256-ctr', Buffer.alloc(32, 5), Buffer.alloc(16)).update(Buffer.alloc(11 * MiB));

async function pulledSizes(bytes: Buffer): Promise<number[]> {
  const sizes: number[] = [];
  let position = 0;
  const read = async (target: Buffer, offset: number, length: number): Promise<number> => {
    const copied = bytes.copy(target, offset, position, Math.min(bytes.length, position + length));
    position += copied;
    return copied;
  };
  for await (const chunk of new Chunker(KEY).chunks(read)) sizes.push(chunk.length);
  return sizes;
}

/** Sizes of the chunks, after a check that they are the bytes in order and that ids are given back in order. */
async function pushedSizes(bytes: Buffer, pieceBytes: readonly number[]): Promise<number[]> {
  const sizes: number[] = [];
  let stored = 0;
  const chunks = new PushedChunks(gear, async (chunk) => {
    expect(chunk.equals(bytes.subarray(stored, stored + chunk.length))).toBe(true);
    stored += chunk.length;
    sizes.push(chunk.length);
    return String(sizes.length);
  });
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = Math.min(bytes.length, at + pieceBytes[i % pieceBytes.length]!);
    await chunks.push(bytes.subarray(at, end));
    at = end;
  }
  expect(await chunks.end()).toEqual(sizes.map((_, i) => String(i + 1)));
  return sizes;
}

describe('PushedChunks', () => {
  it('cuts as Chunker does, whatever the pieces and wherever the bytes end', async () => {
    const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 * MiB }), fc.integer({ min: 20_000, max: 90_000 })), {
      minLength: 1,
      maxLength: 6,
    });
    const sizes = fc.oneof(
      fc.integer({ min: 0, max: random.length }),
      fc.constantFrom(0, 1, CHUNK_BYTES_MAX - 1, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, 2 * CHUNK_BYTES_MAX),
    );
    await fc.assert(
      fc.asyncProperty(pieces, sizes, async (pieceBytes, sizeBytes) => {
        const bytes = random.subarray(0, sizeBytes);
        expect(await pushedSizes(bytes, [...pieceBytes, 2 * MiB])).toEqual(await pulledSizes(bytes));
      }),
      { numRuns: 20 },
    );
  });

  it('cuts bytes without boundaries at the maximum', async () => {
    expect(await pushedSizes(Buffer.alloc(9 * MiB), [100_000])).toEqual([4 * MiB, 4 * MiB, MiB]);
  });

  it('stores nothing for an empty stream', async () => {
    expect(await pushedSizes(Buffer.alloc(0), [1])).toEqual([]);
  });

  it('ends with the error of the store', async () => {
    const chunks = new PushedChunks(gear, () => Promise.reject(new Error('full')));
    await chunks.push(Buffer.from('x'));
    await expect(chunks.end()).rejects.toThrow('full');
  });
});

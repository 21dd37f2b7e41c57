// The stream of chunks: the same whatever the reads bring, the whole stream, and one stream at a time.
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { Chunker, type ReadBytes } from './chunk-stream.js';
import { expandGearTable, findChunkEnd } from './fastcdc.js';

const MiB = 1024 * 1024;
const chunkerKey = new Uint8Array(32).fill(3);
const content = createCipheriv('aes-256-ctr', Buffer.alloc(32, 4), Buffer.alloc(16)).update(
  Buffer.alloc(13 * MiB + 99),
);
const chunker = new Chunker(chunkerKey);

/** Reads `bytes`, at most readBytes[i] in the i-th read, over and over. */
function readerOf(bytes: Buffer, readBytes: readonly number[]): ReadBytes {
  let position = 0;
  let reads = 0;
  return async (target, offset, length) => {
    const limit = readBytes[reads++ % readBytes.length]!;
    const copied = bytes.copy(target, offset, position, Math.min(bytes.length, position + Math.min(length, limit)));
    position += copied;
    return copied;
  };
}

/** The ends of the chunks, after a check that the chunks are the content. */
async function endsOf(bytes: Buffer, readBytes: readonly number[]): Promise<number[]> {
  const ends: number[] = [];
  let start = 0;
  for await (const chunk of chunker.chunks(readerOf(bytes, readBytes))) {
    expect(chunk.equals(bytes.subarray(start, start + chunk.length))).toBe(true);
    start += chunk.length;
    ends.push(start);
  }
  return ends;
}

function endsInMemory(bytes: Buffer): number[] {
  const gear = expandGearTable(chunkerKey);
  const ends: number[] = [];
  for (let start = 0; start < bytes.length; start = ends.at(-1)!)
    ends.push(findChunkEnd(gear, bytes, start, bytes.length));
  return ends;
}

describe('Chunker', () => {
  it('cuts at the same places whatever the reads bring and wherever the content ends', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 * MiB }), fc.integer({ min: 50, max: 70_000 })), {
      minLength: 1,
      maxLength: 8,
    });
    const end = fc.oneof(
      fc.integer({ min: 0, max: content.length }),
      fc.constantFrom(0, 1, CHUNK_BYTES_MAX, 2 * CHUNK_BYTES_MAX, 2 * CHUNK_BYTES_MAX + 1, content.length),
    );
    await fc.assert(
      fc.asyncProperty(sizes, end, async (readBytes, endBytes) => {
        const bytes = content.subarray(0, endBytes);
        // A tiny read now and then is enough; only tiny reads would take minutes.
        expect(await endsOf(bytes, [...readBytes, 4 * MiB])).toEqual(endsInMemory(bytes));
      }),
      { numRuns: 25 },
    );
  });

  it('cuts zeros at the maximum', async () => {
    expect(await endsOf(Buffer.alloc(9 * MiB), [64 * 1024])).toEqual([4 * MiB, 8 * MiB, 9 * MiB]);
  });

  it('sees a whole maximum ahead when a long chunk begins in the middle of the buffer', async () => {
    const bytes = Buffer.concat([content.subarray(0, 5 * MiB), Buffer.alloc(20 * MiB)]);
    expect(await endsOf(bytes, [MiB])).toEqual(endsInMemory(bytes));
  });

  it('gives no chunk of an empty stream', async () => {
    expect(await endsOf(Buffer.alloc(0), [1])).toEqual([]);
  });

  it('passes on what reading throws, and can be used again', async () => {
    const failure = new Error('disk');
    const broken = chunker.chunks(() => Promise.reject(failure));
    await expect(broken.next()).rejects.toBe(failure);
    expect(await endsOf(content.subarray(0, 10), [3])).toEqual([10]);
  });

  it('refuses a second stream while the first is being cut, because they share a buffer', async () => {
    const first = chunker.chunks(readerOf(content, [MiB]));
    await first.next();
    await expect(chunker.chunks(readerOf(content, [MiB])).next()).rejects.toThrow();
    await first.return();
    expect(await endsOf(content.subarray(0, 10), [3])).toEqual([10]);
  });
});

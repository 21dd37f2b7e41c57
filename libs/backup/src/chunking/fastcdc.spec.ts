// Chunk boundaries: against the definition byte by byte, and how they move when content does.
import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES_AVERAGE, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_BYTES_TURN } from '../limits.js';
import { expandGearTable, findChunkEnd, type GearTable } from './fastcdc.js';

const MiB = 1024 * 1024;

/** Reproducible bytes that look random. */
function seededBytes(seed: number, length: number): Buffer {
  return createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16)).update(Buffer.alloc(length));
}

function boundaries(gear: GearTable, bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let start = 0; start < bytes.length; start = ends.at(-1)!) {
    ends.push(findChunkEnd(gear, bytes, start, bytes.length));
  }
  return ends;
}

function slowHash(gear: GearTable, bytes: Uint8Array, before: number): number {
  let hash = before;
  for (const byte of bytes) hash = (hash * 2 + (gear[byte]! >>> 0)) % 2 ** 32;
  return hash;
}

/** The definition, in ordinary arithmetic, one byte at a time from the first byte of the chunk. */
function slowChunkEnd(gear: GearTable, bytes: Uint8Array, start: number): number {
  let hash = 0;
  for (let position = start; position < bytes.length; position++) {
    hash = (hash * 2 + (gear[bytes[position]!]! >>> 0)) % 2 ** 32;
    const length = position + 1 - start;
    const zeroBits = length < CHUNK_BYTES_TURN ? 22 : 18;
    if (length === CHUNK_BYTES_MAX) return position + 1;
    if (length >= CHUNK_BYTES_MIN && hash < 2 ** (32 - zeroBits)) return position + 1;
  }
  return bytes.length;
}

const gear = expandGearTable(new Uint8Array(32).fill(1));

describe('findChunkEnd', () => {
  it.each([
    ['random bytes', seededBytes(1, 12 * MiB + 12_345)],
    ['one byte repeated, which is cut at the maximum', Buffer.alloc(5 * MiB, 5)],
    ['bytes of two values', seededBytes(2, 3 * MiB).map((byte) => byte & 1)],
    ['a short file', seededBytes(3, 100)],
    ['exactly the minimum', seededBytes(4, CHUNK_BYTES_MIN)],
    ['one byte over the minimum', seededBytes(5, CHUNK_BYTES_MIN + 1)],
    ['up to the turn', seededBytes(6, CHUNK_BYTES_TURN)],
  ])('agrees with the definition on %s', (_, bytes) => {
    const expected: number[] = [];
    for (let start = 0; start < bytes.length; start = expected.at(-1)!) expected.push(slowChunkEnd(gear, bytes, start));
    expect(boundaries(gear, bytes)).toEqual(expected);
  });

  it('sees the whole window at the first place where a chunk may end', () => {
    const bytes = seededBytes(10, CHUNK_BYTES_MIN + 1_000);
    // Change the last bytes of the minimum until its hash is a boundary: the 29 bytes before them must count for that.
    let tail = 0;
    const before = slowHash(gear, bytes.subarray(CHUNK_BYTES_MIN - 32, CHUNK_BYTES_MIN - 3), 0);
    do bytes.writeUIntBE(tail++, CHUNK_BYTES_MIN - 3, 3);
    while (slowHash(gear, bytes.subarray(CHUNK_BYTES_MIN - 3, CHUNK_BYTES_MIN), before) >= 2 ** 10);
    expect(slowChunkEnd(gear, bytes, 0)).toBe(CHUNK_BYTES_MIN);
    expect(findChunkEnd(gear, bytes, 0, bytes.length)).toBe(CHUNK_BYTES_MIN);
  });

  it('keeps every chunk but the last within the bounds, about 1 MiB on average', () => {
    const bytes = seededBytes(7, 96 * MiB);
    const ends = boundaries(gear, bytes);
    const sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0));
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThanOrEqual(CHUNK_BYTES_MIN);
      expect(size).toBeLessThanOrEqual(CHUNK_BYTES_MAX);
    }
    const averageBytes = bytes.length / sizes.length;
    expect(averageBytes).toBeGreaterThan(0.85 * CHUNK_BYTES_AVERAGE);
    expect(averageBytes).toBeLessThan(1.15 * CHUNK_BYTES_AVERAGE);
  });

  it('finds the old boundaries again soon after an insertion', () => {
    const bytes = seededBytes(8, 32 * MiB);
    const inserted = Buffer.from('9 bytes ..');
    const place = 10 * MiB + 77;
    const edited = Buffer.concat([bytes.subarray(0, place), inserted, bytes.subarray(place)]);
    const before = boundaries(gear, bytes);
    const after = new Set(boundaries(gear, edited));
    const untouched = before.filter((end) => end < place);
    expect(untouched.length).toBeGreaterThan(5);
    for (const end of untouched) expect(after.has(end)).toBe(true);
    const shifted = before.filter((end) => end > place + 3 * CHUNK_BYTES_MAX);
    expect(shifted.length).toBeGreaterThan(5);
    for (const end of shifted) expect(after.has(end + inserted.length)).toBe(true);
  });

  it('cuts elsewhere under another key', () => {
    const bytes = seededBytes(9, 32 * MiB);
    const other = expandGearTable(new Uint8Array(32).fill(2));
    const ours = new Set(boundaries(gear, bytes));
    const shared = boundaries(other, bytes).filter((end) => ours.has(end));
    expect(shared).toEqual([bytes.length]);
  });
});

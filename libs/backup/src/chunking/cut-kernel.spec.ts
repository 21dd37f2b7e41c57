// The kernel against findChunkEnd, which fastcdc.spec.ts checks against the definition.
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import loadWabt from 'wabt';
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNK_BYTES_TURN } from '../limits.js';
import { CutBuffer } from './cut-kernel.js';
import { CUT_KERNEL_WASM_BASE64 } from './cut-kernel.wasm.js';
import { expandGearTable, findChunkEnd } from './fastcdc.js';

const MiB = 1024 * 1024;
const gear = expandGearTable(new Uint8Array(32).fill(1));

/** Reproducible bytes that look random. */
function seededBytes(seed: number, length: number): Buffer {
  return createCipheriv('aes-256-ctr', Buffer.alloc(32, seed), Buffer.alloc(16)).update(Buffer.alloc(length));
}

function ends(length: number, endOf: (start: number) => number): number[] {
  const all: number[] = [];
  for (let start = 0; start < length; start = all.at(-1)!) all.push(endOf(start));
  return all;
}

describe('the kernel', () => {
  it('has the bytes that its .wat assembles to', async () => {
    const wabt = await loadWabt();
    const source = readFileSync(new URL('./cut-kernel.wat', import.meta.url), 'utf8');
    const assembled = wabt.parseWat('cut-kernel.wat', source, { simd: true }).toBinary({});
    expect(CUT_KERNEL_WASM_BASE64).toBe(Buffer.from(assembled.buffer).toString('base64'));
  });

  it.each([
    ['random bytes', seededBytes(1, 64 * MiB + 12_345)],
    ['one byte repeated, which is cut at the maximum', Buffer.alloc(9 * MiB, 5)],
    ['bytes of two values', seededBytes(2, 9 * MiB).map((byte) => byte & 1)],
    ['a short file', seededBytes(3, 100)],
    ['exactly the minimum', seededBytes(4, CHUNK_BYTES_MIN)],
    ['one byte over the minimum', seededBytes(5, CHUNK_BYTES_MIN + 1)],
    ['up to the turn', seededBytes(6, CHUNK_BYTES_TURN)],
    ['one byte over the turn', seededBytes(7, CHUNK_BYTES_TURN + 1)],
    ['exactly the maximum', seededBytes(8, CHUNK_BYTES_MAX)],
  ])('cuts %s where findChunkEnd does', (_, bytes) => {
    const cutting = new CutBuffer(gear, bytes.length);
    cutting.bytes.set(bytes);
    const expected = ends(bytes.length, (start) => findChunkEnd(gear, bytes, start, bytes.length));
    expect(ends(bytes.length, (start) => cutting.findChunkEnd(start, bytes.length))).toEqual(expected);
  });

  it('sees a boundary at every place within what is hashed at once', () => {
    // A table with one word below the limits: where its byte follows 31 zeros' worth of hash, the chunk ends.
    const table = new Int32Array(256).fill(0);
    table[0] = 1;
    table[1] = -(2 ** 32 - 2);
    const bytes = Buffer.alloc(CHUNK_BYTES_MIN + 3 * 4096);
    const cutting = new CutBuffer(table, bytes.length);
    for (let place = 0; place < 2 * 4096 + 40; place += 37) {
      bytes.fill(0);
      bytes[CHUNK_BYTES_MIN + place] = 1;
      cutting.bytes.set(bytes);
      const expected = findChunkEnd(table, bytes, 0, bytes.length);
      expect(expected).toBe(CHUNK_BYTES_MIN + place + 1);
      expect(cutting.findChunkEnd(0, bytes.length)).toBe(expected);
    }
  });

  it('refuses places outside of its buffer', () => {
    const cutting = new CutBuffer(gear, MiB);
    expect(() => cutting.findChunkEnd(0, MiB + 1)).toThrow();
    expect(() => cutting.findChunkEnd(-1, MiB)).toThrow();
  });
});

// Content ids (B12, B18) against a second, plain reading of BEP 52, and against published hashes of zeros.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../bytes.js';
import { BLOCK_BYTES } from '../limits.js';
import { ContentIdHasher, contentIdBytes, contentIdOf, hashBlock, merkleRoot } from './content-id.js';

const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest());

/**
 * BEP 52, "pieces root", word for word and slowly: hash blocks of 16 KiB; add leaves of 32 zero bytes until their number
 * is a power of two; hash pairs until one is left.
 */
function plainPiecesRoot(bytes: Uint8Array): string {
  let layer: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 16384) layer.push(sha256(bytes.slice(at, at + 16384)));
  while (!Number.isInteger(Math.log2(layer.length))) layer.push(new Uint8Array(32));
  while (layer.length > 1) {
    layer = Array.from({ length: layer.length / 2 }, (_, i) => sha256(layer[2 * i]!, layer[2 * i + 1]!));
  }
  return encodeHex(layer[0]!);
}

/** Bytes that differ in every block, from the block number. */
function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i ^ (i >>> 8) ^ ((i >>> 14) * 31)) & 0xff);
}

const rootOf = (bytes: Uint8Array): string => encodeHex(contentIdBytes(contentIdOf(bytes)));

describe('a content id', () => {
  it.each([
    1,
    2,
    16_383,
    16_384,
    16_385,
    32_768,
    32_769,
    49_152,
    65_535,
    65_536,
    65_537,
    5 * 16_384,
    8 * 16_384,
    9 * 16_384 + 1,
    17 * 16_384,
    1_000_000,
  ])('of %i bytes is the pieces root that a plain reading of BEP 52 gives', (length) => {
    expect(rootOf(patterned(length))).toBe(plainPiecesRoot(patterned(length)));
  });

  it('of one block is its SHA-256: 16 KiB of zeros and one zero byte have well-known ones', () => {
    expect(rootOf(new Uint8Array(BLOCK_BYTES))).toBe(
      '4fe7b59af6de3b665b67788cc2f99892ab827efae3a467342b3bb4e3bc8e5bfe',
    );
    expect(rootOf(new Uint8Array(1))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
  });

  it('pads with the roots of zero leaves, which merkle trees elsewhere publish too', () => {
    const zero = new Uint8Array(32);
    const one = decodeHex('f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b')!;
    const two = 'db56114e00fdd4c1f85c892bf35ac9a89289aaecb1ebd0a96cde606a748b5d71';
    expect(encodeHex(merkleRoot([zero, zero]))).toBe(encodeHex(one));
    expect(encodeHex(merkleRoot([one, one]))).toBe(two);
    // Three leaves that happen to be zero: the fourth is padding.
    expect(encodeHex(merkleRoot([zero, zero, zero]))).toBe(two);
  });

  it('does not depend on the pieces in which the bytes come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 8 }),
        (length, cuts) => {
          const bytes = patterned(length);
          const hasher = new ContentIdHasher();
          let from = 0;
          for (const to of [...cuts.filter((cut) => cut < length).sort((left, right) => left - right), length]) {
            hasher.update(bytes.subarray(from, to));
            from = to;
          }
          const { cid, blockHashes } = hasher.finish();
          expect(hasher.sizeBytes).toBe(length);
          expect(blockHashes).toHaveLength(Math.ceil(length / BLOCK_BYTES));
          expect(encodeHex(contentIdBytes(cid))).toBe(plainPiecesRoot(bytes));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('changes with any one bit', () => {
    const bytes = patterned(40_000);
    const before = contentIdOf(bytes);
    for (const at of [0, 16_383, 16_384, 32_768, 39_999]) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1;
      expect(contentIdOf(changed)).not.toBe(before);
    }
  });

  it('keeps hashes that its caller cannot change by writing into its buffer again', () => {
    const buffer = patterned(BLOCK_BYTES);
    const hasher = new ContentIdHasher().update(buffer);
    buffer.fill(0);
    hasher.update(buffer.subarray(0, 10));
    const expected = new Uint8Array(BLOCK_BYTES + 10);
    expected.set(patterned(BLOCK_BYTES));
    expect(encodeHex(contentIdBytes(hasher.digest()))).toBe(plainPiecesRoot(expected));
  });

  it('needs a byte; a block is 1 byte to 16 KiB', () => {
    expect(() => contentIdOf(new Uint8Array(0))).toThrow();
    expect(() => hashBlock(new Uint8Array(0))).toThrow();
    expect(() => hashBlock(new Uint8Array(BLOCK_BYTES + 1))).toThrow();
    expect(() => merkleRoot([])).toThrow();
  });
});

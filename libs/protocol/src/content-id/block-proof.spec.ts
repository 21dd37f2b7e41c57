// Proofs of blocks (B18, SPEC §6.1) against contentIdOf: every run of every small tree holds, and no other bytes do.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../limits.js';
import { blocksOf, blockTree, proveBlockRun, runSizeBytes, verifyBlockPath, verifyBlockRun } from './block-proof.js';
import { ContentIdHasher, contentIdOf, hashPair } from './content-id.js';

const BLOCKS_MAX = 17;
const BYTES = randomBytes(BLOCKS_MAX * BLOCK_BYTES);
/** One byte, one block and each neighbour of a power of two, in blocks and in bytes. */
const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17].flatMap((blocks) =>
  [blocks * BLOCK_BYTES, blocks * BLOCK_BYTES - 1, (blocks - 1) * BLOCK_BYTES + 1].filter((size) => size >= 1),
);

function shardOf(sizeBytes: number) {
  const bytes = BYTES.subarray(0, sizeBytes);
  const { cid, blockHashes } = new ContentIdHasher().update(bytes).finish();
  return { bytes, cid, hashes: blockHashes };
}

function evidenceOf(sizeBytes: number, first: number, last: number) {
  const { bytes, cid, hashes } = shardOf(sizeBytes);
  const run = { first, last };
  const data = bytes.subarray(first * BLOCK_BYTES, first * BLOCK_BYTES + runSizeBytes(sizeBytes, run));
  return { cid, sizeBytes, run, data, proof: proveBlockRun(blockTree(hashes), run) };
}

describe('a proof of blocks', () => {
  it.each(SIZES)('holds for every run of a shard of %i bytes, in at most twice the depth', (sizeBytes) => {
    const blocks = blocksOf(sizeBytes);
    const depth = Math.ceil(Math.log2(blocks));
    for (let first = 0; first < blocks; first++) {
      for (let last = first; last < blocks; last++) {
        const evidence = evidenceOf(sizeBytes, first, last);
        expect(verifyBlockRun(evidence)).toBe(true);
        expect(evidence.proof.length).toBeLessThanOrEqual(2 * depth);
        if (first === last) expect(evidence.proof).toHaveLength(depth);
      }
    }
  });

  it('of all blocks is empty of nodes but the padding, and then says what the content id says', () => {
    const { bytes, cid } = shardOf(8 * BLOCK_BYTES);
    const run = { first: 0, last: 7 };
    expect(verifyBlockRun({ cid, sizeBytes: bytes.length, run, data: bytes, proof: [] })).toBe(true);
    expect(contentIdOf(bytes)).toBe(cid);
  });

  it('fails for any one changed bit of a block or a node, another place, another length', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SIZES), fc.nat(), fc.nat(), fc.nat(), (sizeBytes, a, b, at) => {
        const blocks = blocksOf(sizeBytes);
        const [first, last] = [a % blocks, b % blocks].sort((left, right) => left - right) as [number, number];
        const evidence = evidenceOf(sizeBytes, first, last);
        const data = Uint8Array.from(evidence.data);
        data[at % data.length]! ^= 1;
        expect(verifyBlockRun({ ...evidence, data })).toBe(false);
        expect(verifyBlockRun({ ...evidence, data: evidence.data.subarray(1) })).toBe(false);
        const proof = evidence.proof.map((node) => Uint8Array.from(node));
        expect(verifyBlockRun({ ...evidence, proof: [...proof, new Uint8Array(32)] })).toBe(false);
        expect(verifyBlockRun({ ...evidence, run: { first: first + 1, last: last + 1 } })).toBe(false);
        if (proof.length === 0) return;
        expect(verifyBlockRun({ ...evidence, proof: proof.slice(1) })).toBe(false);
        expect(verifyBlockRun({ ...evidence, proof: proof.map((node) => node.subarray(1)) })).toBe(false);
        proof[at % proof.length]![at % 32]! ^= 1;
        expect(verifyBlockRun({ ...evidence, proof })).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses places and sizes that are none', () => {
    const { cid, data, proof, sizeBytes } = evidenceOf(BLOCK_BYTES, 0, 0);
    const path = { cid, sizeBytes, block: 0, data, path: proof };
    expect(verifyBlockPath(path)).toBe(true);
    for (const block of [-1, 0.5, 1, Number.NaN]) expect(verifyBlockPath({ ...path, block })).toBe(false);
    for (const size of [0, -1, 2 ** 40, Number.NaN]) expect(verifyBlockPath({ ...path, sizeBytes: size })).toBe(false);
  });
});

describe('the size beside the content id', () => {
  const { bytes, cid, hashes } = shardOf(4 * BLOCK_BYTES);
  const parents = [hashPair(hashes[0]!, hashes[1]!), hashPair(hashes[2]!, hashes[3]!)] as const;
  // 64 bytes whose SHA-256 is the root: BEP 52 tells leaves and parents apart by nothing but their depth.
  const forged = Buffer.concat(parents);

  it('fixes the depth, so that two nodes never pass as a block', () => {
    expect(contentIdOf(forged)).toBe(cid);
    for (const path of [[], [parents[1]], [hashes[1]!, parents[1]]]) {
      expect(verifyBlockPath({ cid, sizeBytes: bytes.length, block: 0, data: forged, path })).toBe(false);
    }
    const leafPair = Buffer.concat([hashes[0]!, hashes[1]!]);
    expect(verifyBlockPath({ cid, sizeBytes: bytes.length, block: 0, data: leafPair, path: [parents[1]] })).toBe(false);
  });

  it('is refused where it would make another tree: deeper, flatter, or with a shorter last block', () => {
    const { data, proof } = evidenceOf(bytes.length, 0, 0);
    for (const sizeBytes of [5 * BLOCK_BYTES, 2 * BLOCK_BYTES, BLOCK_BYTES]) {
      expect(verifyBlockPath({ cid, sizeBytes, block: 0, data, path: proof })).toBe(false);
    }
    const last = evidenceOf(bytes.length, 3, 3);
    const { data: block, proof: path } = last;
    expect(verifyBlockPath({ cid, sizeBytes: bytes.length - 1, block: 3, data: block, path })).toBe(false);
  });
});

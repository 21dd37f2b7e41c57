/**
 * Proof that some blocks in a row are those of a content id (SPEC §6.1): audits show one block, streams a range. Pure.
 *
 * The size of the shard fixes the number of leaves and so the depth of the tree; with that and the first and last block
 * both ends know which nodes the proof must have, and in which order: level by level from the leaves up, at each level
 * the left neighbour of the row if its first node is a right child, then the right neighbour if its last node is a left
 * child. Nothing in a proof says where a node belongs, so a parent can never stand for a leaf.
 */
import { strict as assert } from 'node:assert';
import { encodeBase64url } from '../bytes.js';
import { BLOCK_BYTES, SHARD_BYTES_MAX } from '../limits.js';
import type { ContentId } from '../messages/fields.js';
import { BLOCK_HASH_BYTES, hashBlock, hashPair } from './content-id.js';

/** Blocks `first` to `last`, both of them included, from 0. */
export interface BlockRun {
  readonly first: number;
  readonly last: number;
}

export interface BlockRunEvidence {
  readonly cid: ContentId;
  /** Of the whole shard, as the token or the broker's row says: never as the prover says. */
  readonly sizeBytes: number;
  readonly run: BlockRun;
  /** The blocks of the run, one after another. */
  readonly data: Uint8Array;
  /** Hashes of 32 bytes, in the order above. */
  readonly proof: readonly Uint8Array[];
}

export function blocksOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES);
}

/** How many bytes the blocks of a run have: the last block of a shard may be shorter. */
export function runSizeBytes(sizeBytes: number, { first, last }: BlockRun): number {
  return Math.min(sizeBytes, (last + 1) * BLOCK_BYTES) - first * BLOCK_BYTES;
}

/** All levels of the tree over the block hashes of a shard, from the leaves to the root, without the padding. */
export type BlockTree = readonly (readonly Uint8Array[])[];

/** hashes: those of all blocks of the shard, in order. */
export function blockTree(hashes: readonly Uint8Array[]): BlockTree {
  const levels = [hashes];
  for (let level = hashes, depth = 0; level.length > 1; depth++) {
    const parents: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) parents.push(hashPair(level[i]!, level[i + 1] ?? paddingAt(depth)));
    levels.push(parents);
    level = parents;
  }
  return levels;
}

/** At most twice the depth of the tree come back; for a single block exactly the depth. */
export function proveBlockRun(tree: BlockTree, run: BlockRun): readonly Uint8Array[] {
  assert(isRunOf(tree[0]!.length, run));
  const proof: Uint8Array[] = [];
  let { first, last } = run;
  for (const [depth, level] of tree.slice(0, -1).entries()) {
    if (first % 2 === 1) proof.push(level[first - 1]!);
    if (last % 2 === 0) proof.push(level[last + 1] ?? paddingAt(depth));
    first >>= 1;
    last >>= 1;
  }
  return proof;
}

/** Whether these bytes are exactly those blocks of the shard with this content id and size. */
export function verifyBlockRun({ cid, sizeBytes, run, data, proof }: BlockRunEvidence): boolean {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1 || sizeBytes > SHARD_BYTES_MAX) return false;
  const blocks = blocksOf(sizeBytes);
  if (!isRunOf(blocks, run) || data.length !== runSizeBytes(sizeBytes, run)) return false;
  if (!proof.every((node) => node.length === BLOCK_HASH_BYTES)) return false;
  let nodes: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += BLOCK_BYTES) nodes.push(hashBlock(data.subarray(at, at + BLOCK_BYTES)));
  let { first, last } = run;
  let taken = 0;
  for (let width = blocks; width > 1; width = Math.ceil(width / 2)) {
    const left = first % 2 === 1 ? [proof[taken++]] : [];
    const right = last % 2 === 0 ? [proof[taken++]] : [];
    const row = [...left, ...nodes, ...right];
    nodes = [];
    for (let i = 0; i < row.length; i += 2) {
      const [one, other] = [row[i], row[i + 1]];
      if (one === undefined || other === undefined) return false;
      nodes.push(hashPair(one, other));
    }
    first >>= 1;
    last >>= 1;
  }
  return taken === proof.length && nodes.length === 1 && encodeBase64url(nodes[0]!) === cid;
}

/**
 * Whether `data` is block number `block` of the shard.
 *
 * path  the siblings from the leaf to the root: as many as the tree of this size is deep, padding among them
 */
export function verifyBlockPath(evidence: {
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly block: number;
  readonly data: Uint8Array;
  readonly path: readonly Uint8Array[];
}): boolean {
  const { cid, sizeBytes, block, data, path } = evidence;
  return verifyBlockRun({ cid, sizeBytes, run: { first: block, last: block }, data, proof: path });
}

/** The root of a tree of this depth over nothing but leaves of 32 zero bytes. */
function paddingAt(depth: number): Uint8Array {
  for (let i = paddings.length; i <= depth; i++) paddings.push(hashPair(paddings[i - 1]!, paddings[i - 1]!));
  return paddings[depth]!;
}

const paddings: Uint8Array[] = [new Uint8Array(BLOCK_HASH_BYTES)];

function isRunOf(blocks: number, { first, last }: BlockRun): boolean {
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && first >= 0 && first <= last && last < blocks;
}

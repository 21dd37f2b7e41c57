/**
 * The bytes of a shard file. Pure.
 *
 *   offset      size        field
 *   0           sizeBytes   the shard, as the client sent it
 *   sizeBytes   32 x n      SHA-256 of each of its n blocks of 16 KiB (the last may be shorter), in order
 *
 * The hashes lie behind the bytes and not in a file of their own, so that one fsync makes both durable: 0.2% of space
 * buys that every block is verified before it is served, with the shard read once. Their Merkle root is the content
 * id, which nothing on this disk can change.
 */
import {
  BLOCK_BYTES,
  BLOCK_HASH_BYTES,
  type BlockTree,
  blocksOf,
  blockTree,
  type ContentId,
  encodeBase64url,
  equalInConstantTime,
  hashBlock,
} from '#protocol';

export function hashesSizeBytes(sizeBytes: number): number {
  return blocksOf(sizeBytes) * BLOCK_HASH_BYTES;
}

export function shardFileSizeBytes(sizeBytes: number): number {
  return sizeBytes + hashesSizeBytes(sizeBytes);
}

/** The tree over the hashes in `bytes`, which are its leaves; null when it is not that of `cid`. */
export function readTree(bytes: Uint8Array, cid: ContentId): BlockTree | null {
  const hashes = Array.from({ length: bytes.length / BLOCK_HASH_BYTES }, (_, i) =>
    bytes.subarray(i * BLOCK_HASH_BYTES, (i + 1) * BLOCK_HASH_BYTES),
  );
  const tree = blockTree(hashes);
  return encodeBase64url(tree.at(-1)![0]!) === cid ? tree : null;
}

/** Whether `bytes`, which begin with block number `firstBlock`, are what the hashes say. */
export function blocksHold(bytes: Uint8Array, hashes: readonly Uint8Array[], firstBlock: number): boolean {
  for (let i = 0; i * BLOCK_BYTES < bytes.length; i++) {
    const expected = hashes[firstBlock + i];
    const block = bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    if (expected === undefined || !equalInConstantTime(hashBlock(block), expected)) return false;
  }
  return true;
}

// Content ids (SPEC §6): the `pieces root` of BitTorrent v2 (BEP 52), a SHA-256 Merkle tree over 16 KiB blocks.
import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';
import { decodeBase64url, encodeBase64url } from '../bytes.js';
import { BLOCK_BYTES } from '../limits.js';
import type { ContentId } from '../messages/fields.js';

export const BLOCK_HASH_BYTES = 32;

/** SHA-256 of one block of at most 16 KiB; the last block of a shard is not padded (BEP 52). */
export function hashBlock(block: Uint8Array): Uint8Array {
  assert(block.length >= 1 && block.length <= BLOCK_BYTES);
  return sha256(block);
}

/**
 * Content id of a shard in one go.
 *
 * bytes  1 byte or more
 */
export function contentIdOf(bytes: Uint8Array): ContentId {
  return new ContentIdHasher().update(bytes).digest();
}

/** Content id of a shard that comes in pieces of any size. Keeps the block hashes, 32 bytes for each 16 KiB. */
export class ContentIdHasher {
  private readonly hashes: Uint8Array[] = [];
  private readonly partial = new Uint8Array(BLOCK_BYTES);
  private partialBytes = 0;
  private totalBytes = 0;

  get sizeBytes(): number {
    return this.totalBytes;
  }

  update(bytes: Uint8Array): this {
    this.totalBytes += bytes.length;
    let offset = 0;
    if (this.partialBytes > 0) {
      offset = Math.min(BLOCK_BYTES - this.partialBytes, bytes.length);
      this.partial.set(bytes.subarray(0, offset), this.partialBytes);
      this.partialBytes += offset;
      if (this.partialBytes < BLOCK_BYTES) return this;
      this.hashes.push(hashBlock(this.partial));
      this.partialBytes = 0;
    }
    for (; bytes.length - offset >= BLOCK_BYTES; offset += BLOCK_BYTES) {
      this.hashes.push(hashBlock(bytes.subarray(offset, offset + BLOCK_BYTES)));
    }
    this.partial.set(bytes.subarray(offset));
    this.partialBytes = bytes.length - offset;
    return this;
  }

  /** The hashes of the blocks, in order, and the content id over them. The hasher is spent afterwards. */
  finish(): { cid: ContentId; blockHashes: readonly Uint8Array[] } {
    assert(this.totalBytes >= 1);
    if (this.partialBytes > 0) this.hashes.push(hashBlock(this.partial.subarray(0, this.partialBytes)));
    this.partialBytes = 0;
    return { cid: encodeBase64url(merkleRoot(this.hashes)) as ContentId, blockHashes: this.hashes };
  }

  digest(): ContentId {
    return this.finish().cid;
  }
}

/**
 * Root of the balanced tree over block hashes; leaves that are missing to the next power of two are 32 zero bytes.
 *
 * hashes  1 or more, 32 bytes each
 */
export function merkleRoot(hashes: readonly Uint8Array[]): Uint8Array {
  assert(hashes.length >= 1);
  let level = hashes;
  let padding: Uint8Array = new Uint8Array(BLOCK_HASH_BYTES);
  while (level.length > 1) {
    const parents: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) parents.push(hashPair(level[i]!, level[i + 1] ?? padding));
    padding = hashPair(padding, padding);
    level = parents;
  }
  return level[0]!;
}

/** The 32 bytes of a content id. */
export function contentIdBytes(cid: ContentId): Uint8Array {
  const bytes = decodeBase64url(cid);
  assert(bytes !== null && bytes.length === BLOCK_HASH_BYTES);
  return bytes;
}

/** SHA-256(left || right): a parent in the tree. */
export function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const pair = Buffer.allocUnsafe(2 * BLOCK_HASH_BYTES);
  pair.set(left);
  pair.set(right, BLOCK_HASH_BYTES);
  return sha256(pair);
}

/**
 * By way of a string: memory that node:crypto makes for a hash lies outside the heap, is freed one by one, and costs more
 * than a third of the hash of a whole block. This way it comes out of Buffer's pool.
 */
function sha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'binary');
}

// Collects chunks until they make an object, then seals them into its bytes in random order.
import { strict as assert } from 'node:assert';
import type { ObjectId } from '#protocol';
import type { IdentifiedChunk } from '../chunking/chunk-id.js';
import { type CodecId, compressedBytesBound, compressInto } from '../compression/codec.js';
import type { DataKeys } from '../keys.js';
import { CHUNK_BYTES_MAX, OBJECT_CHUNKS_MAX, OBJECT_PADDED_BYTES_MAX, OBJECT_TARGET_BYTES } from '../limits.js';
import { BufferPool } from './buffer-pool.js';
import {
  CHUNK_OVERHEAD_BYTES,
  type ChunkEntry,
  directoryBytesOf,
  encodeEntries,
  encodeHeader,
  FIRST_CHUNK_OFFSET,
  type ObjectKind,
} from './object-codec.js';
import {
  DIRECTORY_COUNTER,
  deriveObjectKey,
  FIRST_CHUNK_COUNTER,
  HEADER_COUNTER,
  SALT_BYTES,
  sealPart,
} from './object-key.js';
import { paddedBytes } from './padding.js';
import { type RandomBytes, shuffledOrder } from './shuffle.js';

/** An object ready to be coded and sent. `bytes` is the caller's until it gives them back. Entries are in directory order. */
export interface SealedObject {
  readonly objectId: ObjectId;
  readonly kind: ObjectKind;
  readonly bytes: Buffer;
  readonly entries: readonly ChunkEntry[];
}

/** A chunk waiting in the staging buffer: its codec byte at `start`, its body behind it. */
interface StagedChunk {
  readonly chunkId: Uint8Array;
  readonly start: number;
  readonly sizeBytes: number;
  readonly rawBytes: number;
}

// A chunk is taken while the object is below its target, so the largest object is one chunk over it.
const SEALED_BYTES_MAX = OBJECT_TARGET_BYTES + CHUNK_BYTES_MAX + CHUNK_OVERHEAD_BYTES + directoryBytesOf(1);
const STAGING_BYTES = OBJECT_TARGET_BYTES + 1 + compressedBytesBound(CHUNK_BYTES_MAX);

assert(paddedBytes(SEALED_BYTES_MAX) <= OBJECT_PADDED_BYTES_MAX);

/** Memory for sealed objects. As many are kept as usually travel at once, and one that is being sealed. */
export function sealedBuffers(keptMax = 4): BufferPool {
  return new BufferPool({ slabBytes: paddedBytes(SEALED_BYTES_MAX), keptMax, takenMin: CHUNK_BYTES_MAX });
}

/**
 * Builds objects of one kind, one after another. Compresses a chunk when it is added (the plaintext may be reused at
 * once) and encrypts when the object is sealed, because the nonce of a chunk is its place in the random order.
 * Owns one staging buffer of about 20 MiB; each sealed object has bytes from the pool, to be given back or not.
 */
export class ObjectBuilder {
  private readonly staging = Buffer.allocUnsafeSlow(STAGING_BYTES);
  private stagedBytes = 0;
  private staged: StagedChunk[] = [];

  constructor(
    private readonly keys: Pick<DataKeys, 'objectsKey'>,
    private readonly kind: ObjectKind,
    private readonly randomBytes: RandomBytes,
    private readonly buffers: BufferPool = sealedBuffers(),
  ) {}

  get isEmpty(): boolean {
    return this.staged.length === 0;
  }

  /** True when the object has reached its target and is to be sealed before the next chunk. */
  get isFull(): boolean {
    return this.sealedBytes >= OBJECT_TARGET_BYTES || this.staged.length >= OBJECT_CHUNKS_MAX;
  }

  /** The object's size if it were sealed as it is, before padding. */
  get sealedBytes(): number {
    const chunkCount = this.staged.length;
    return (
      FIRST_CHUNK_OFFSET + this.stagedBytes + chunkCount * (CHUNK_OVERHEAD_BYTES - 1) + directoryBytesOf(chunkCount)
    );
  }

  /** Take a chunk. The caller adds a chunk once, and only while the builder is not full. */
  add(chunk: IdentifiedChunk): void {
    assert(!this.isFull);
    const start = this.stagedBytes;
    const { codec, sizeBytes } = compressInto(chunk.plaintext, this.staging, start + 1);
    this.staging[start] = codec satisfies CodecId;
    this.staged.push({ chunkId: chunk.chunkId, start, sizeBytes: 1 + sizeBytes, rawBytes: chunk.plaintext.length });
    this.stagedBytes += 1 + sizeBytes;
  }

  /**
   * Seal what has been added and start the next object.
   *
   * objectId   fresh; it is bound into the key and into every part
   */
  seal(objectId: ObjectId): SealedObject {
    assert(!this.isEmpty);
    const order = shuffledOrder(this.staged.length, this.randomBytes);
    const endBytes = this.sealedBytes;
    const bytes = this.buffers.take(paddedBytes(endBytes));
    assert(bytes.length <= OBJECT_PADDED_BYTES_MAX);

    const salt = this.randomBytes(SALT_BYTES);
    const key = deriveObjectKey(this.keys.objectsKey, objectId, salt);
    bytes.set(salt);
    const entries: ChunkEntry[] = [];
    let offset = FIRST_CHUNK_OFFSET;
    for (const [index, place] of order.entries()) {
      const { chunkId, start, sizeBytes, rawBytes } = this.staged[place]!;
      const plaintext = this.staging.subarray(start, start + sizeBytes);
      const storedBytes = sealPart(key, 'chunk', FIRST_CHUNK_COUNTER + index, plaintext, bytes, offset);
      entries.push({ chunkId, index, offset, storedBytes, rawBytes });
      offset += storedBytes;
    }
    const directoryOffset = offset;
    const directoryBytes = sealPart(key, 'directory', DIRECTORY_COUNTER, encodeEntries(entries), bytes, offset);
    const header = encodeHeader({ kind: this.kind, chunkCount: entries.length, directoryOffset, directoryBytes });
    sealPart(key, 'header', HEADER_COUNTER, header, bytes, SALT_BYTES);
    offset += directoryBytes;
    assert.equal(offset, endBytes);
    bytes.set(this.randomBytes(bytes.length - offset), offset);

    this.staged = [];
    this.stagedBytes = 0;
    return { objectId, kind: this.kind, bytes, entries };
  }
}

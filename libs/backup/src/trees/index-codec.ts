/**
 * The stored index: which chunks lie in which objects, so that a machine can find a chunk without opening objects. Pure.
 *
 * The stream starts with a header; then objects follow one another to the end. Numbers are big-endian.
 *
 *     offset  size  field
 *     0       8     "PKINDEX\n"
 *     8       4     version, 1
 *
 *     0       16    object id, the UUID's bytes
 *     16      1     kind of the object (1 data, 2 tree, 3 index, 4 snapshot)
 *     17      3     zero
 *     20      4     number of chunks, n >= 1
 *     24      44 n  per chunk: id 32, offset 4, stored bytes 4, raw bytes 4
 *
 * Chunks stand in the order of the object's own directory: the position in the list is the chunk's position in the
 * object, which its nonce depends on. The stream is cut into chunks at any byte.
 */
import { strict as assert } from 'node:assert';
import { decodeHex, encodeHex, isUuidV7, OBJECT_BYTES_MAX, type ObjectId, ProtocolError } from '#protocol';
import { CHUNK_ID_BYTES } from './chunk-id-text.js';
import { damaged } from './damaged.js';
import { INDEX_CHUNKS_PER_OBJECT_MAX } from './tree-limits.js';

export const INDEX_VERSION = 1;

/** Where one chunk lies: `storedBytes` at `offset` of its object open to `rawBytes`. The id is 32 bytes. */
export interface IndexedChunk {
  readonly chunkId: Uint8Array;
  readonly offset: number;
  readonly storedBytes: number;
  readonly rawBytes: number;
}

export interface IndexedObject {
  readonly objectId: ObjectId;
  readonly kind: number;
  readonly chunks: readonly IndexedChunk[];
}

export function encodeIndexHeader(): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32BE(INDEX_VERSION, MAGIC.length);
  return bytes;
}

/** The record of one object. Values over a bound are a mistake of the caller, so they assert. */
export function encodeIndexedObject(object: IndexedObject): Uint8Array {
  assert(isUuidV7(object.objectId));
  assert(isKind(object.kind));
  assert(isChunkCount(object.chunks.length));
  const bytes = Buffer.alloc(OBJECT_HEAD_BYTES + object.chunks.length * CHUNK_ENTRY_BYTES);
  bytes.set(decodeHex(object.objectId.replaceAll('-', ''))!, 0);
  bytes.writeUInt8(object.kind, 16);
  bytes.writeUInt32BE(object.chunks.length, 20);
  let at = OBJECT_HEAD_BYTES;
  for (const chunk of object.chunks) {
    assert.equal(chunk.chunkId.length, CHUNK_ID_BYTES);
    assert(isPlace(chunk));
    bytes.set(chunk.chunkId, at);
    bytes.writeUInt32BE(chunk.offset, at + 32);
    bytes.writeUInt32BE(chunk.storedBytes, at + 36);
    bytes.writeUInt32BE(chunk.rawBytes, at + 40);
    at += CHUNK_ENTRY_BYTES;
  }
  return bytes;
}

/** Reads an index as it arrives, in pieces of any length; holds back less than one object's record. */
export class IndexDecoder {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private neededBytes = HEADER_BYTES;
  private sawHeader = false;

  /**
   * The objects that are complete with these bytes.
   *
   * throws   format_unsupported for a later version | snapshot_damaged for anything that the encoder does not make
   */
  push(bytes: Uint8Array): IndexedObject[] {
    this.pending.push(Buffer.from(bytes));
    this.pendingBytes += bytes.length;
    // Join only when a record may be complete, so that many small pieces cost no quadratic copying.
    if (this.pendingBytes < this.neededBytes) return [];

    const joined = Buffer.concat(this.pending, this.pendingBytes);
    const complete: IndexedObject[] = [];
    let at = 0;
    if (!this.sawHeader) {
      checkHeader(joined);
      this.sawHeader = true;
      at = HEADER_BYTES;
    }
    for (;;) {
      this.neededBytes = recordBytes(joined.subarray(at));
      if (joined.length - at < this.neededBytes) break;
      complete.push(decodeRecord(joined.subarray(at, at + this.neededBytes)));
      at += this.neededBytes;
    }
    this.pending = [Buffer.from(joined.subarray(at))];
    this.pendingBytes = joined.length - at;
    return complete;
  }

  /** Say that no byte follows. throws snapshot_damaged without a header or inside a record */
  end(): void {
    if (!this.sawHeader) throw damaged('index', 'no header');
    if (this.pendingBytes > 0) throw damaged('index', 'cut inside a record');
  }
}

const MAGIC = 'PKINDEX\n';
const HEADER_BYTES = 12;
const OBJECT_HEAD_BYTES = 24;
const CHUNK_ENTRY_BYTES = 44;
const KIND_MAX = 4;

// A record's chunks fit the object that they lie in, even when each stores next to nothing.
assert(INDEX_CHUNKS_PER_OBJECT_MAX <= OBJECT_BYTES_MAX);

function checkHeader(bytes: Buffer): void {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw damaged('index', 'no header');
  const version = bytes.readUInt32BE(MAGIC.length);
  if (version === INDEX_VERSION) return;
  if (version > INDEX_VERSION) throw new ProtocolError('format_unsupported', { part: 'index', version });
  throw damaged('index', 'no header');
}

/** Bytes of the record that starts here, or of its head when only a part of that is there. */
function recordBytes(bytes: Buffer): number {
  if (bytes.length < OBJECT_HEAD_BYTES) return OBJECT_HEAD_BYTES;
  const chunkCount = bytes.readUInt32BE(20);
  if (!isChunkCount(chunkCount)) throw damaged('index', 'number of chunks');
  return OBJECT_HEAD_BYTES + chunkCount * CHUNK_ENTRY_BYTES;
}

function decodeRecord(bytes: Buffer): IndexedObject {
  const hex = encodeHex(bytes.subarray(0, 16));
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  if (!isUuidV7(uuid)) throw damaged('index', 'object id');
  const kind = bytes.readUInt8(16);
  if (!isKind(kind)) throw damaged('index', 'kind of object');
  if (bytes.readUIntBE(17, 3) !== 0) throw damaged('index', 'reserved bytes');

  const chunks: IndexedChunk[] = [];
  for (let at = OBJECT_HEAD_BYTES; at < bytes.length; at += CHUNK_ENTRY_BYTES) {
    const chunk = {
      chunkId: Uint8Array.from(bytes.subarray(at, at + CHUNK_ID_BYTES)),
      offset: bytes.readUInt32BE(at + 32),
      storedBytes: bytes.readUInt32BE(at + 36),
      rawBytes: bytes.readUInt32BE(at + 40),
    };
    if (!isPlace(chunk)) throw damaged('index', 'place of a chunk');
    chunks.push(chunk);
  }
  return { objectId: uuid as ObjectId, kind, chunks };
}

function isKind(kind: number): boolean {
  return Number.isInteger(kind) && kind >= 1 && kind <= KIND_MAX;
}

function isChunkCount(chunkCount: number): boolean {
  return chunkCount >= 1 && chunkCount <= INDEX_CHUNKS_PER_OBJECT_MAX;
}

function isPlace(chunk: IndexedChunk): boolean {
  if (![chunk.offset, chunk.storedBytes, chunk.rawBytes].every(Number.isSafeInteger)) return false;
  if (chunk.offset < 0 || chunk.storedBytes < 1 || chunk.rawBytes < 1) return false;
  return chunk.offset + chunk.storedBytes <= OBJECT_BYTES_MAX && chunk.rawBytes <= OBJECT_BYTES_MAX;
}

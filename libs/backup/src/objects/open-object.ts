// Opens objects and single chunks of them; whatever does not open exactly is object_damaged, and nothing of it is returned.
import { createHmac } from 'node:crypto';
import { equalInConstantTime, isRefusal, type ObjectId, ProtocolError } from '#protocol';
import { decompress } from '../compression/codec.js';
import type { DataKeys } from '../keys.js';
import { CHUNK_BYTES_MAX, OBJECT_CHUNKS_MAX } from '../limits.js';
import {
  type ChunkEntry,
  FIRST_CHUNK_OFFSET,
  hasPossibleSizes,
  type ObjectKind,
  parseEntries,
  parseHeader,
} from './object-codec.js';
import {
  DIRECTORY_COUNTER,
  deriveObjectKey,
  FIRST_CHUNK_COUNTER,
  HEADER_COUNTER,
  type ObjectKey,
  openPart,
  SALT_BYTES,
} from './object-key.js';

/** Room to open any chunk in: its codec byte and its body, and behind them what that is decompressed to. */
export const CHUNK_MEMORY_BYTES = 1 + 2 * CHUNK_BYTES_MAX;

export interface OpenedObject {
  readonly kind: ObjectKind;
  readonly entries: readonly ChunkEntry[];
}

/**
 * The key that opens an object: derive it once to open many of its chunks. Pure.
 *
 * bytes    the object's, or at least its first 32
 * throws   object_damaged when there are fewer
 */
export function objectKeyOf(keys: Pick<DataKeys, 'objectsKey'>, objectId: ObjectId, bytes: Uint8Array): ObjectKey {
  if (bytes.length < SALT_BYTES) throw new ProtocolError('object_damaged', { objectId, reason: 'too_short' });
  return deriveObjectKey(keys.objectsKey, objectId, bytes.subarray(0, SALT_BYTES));
}

/**
 * Open an object's header and directory. Pure. Its chunks are opened one by one, with openChunk.
 *
 * key      objectKeyOf these bytes
 * throws   object_damaged | format_unsupported (authentic, but of a later version)
 */
export function openObject(key: ObjectKey, bytes: Buffer): OpenedObject {
  if (bytes.length < FIRST_CHUNK_OFFSET) {
    throw new ProtocolError('object_damaged', { objectId: key.objectId, reason: 'too_short' });
  }
  const header = parseHeader(
    openPart(key, 'header', HEADER_COUNTER, bytes.subarray(SALT_BYTES, FIRST_CHUNK_OFFSET)),
    bytes.length,
  );
  const { directoryOffset, directoryBytes } = header;
  const sealedDirectory = bytes.subarray(directoryOffset, directoryOffset + directoryBytes);
  const entries = parseEntries(openPart(key, 'directory', DIRECTORY_COUNTER, sealedDirectory), directoryOffset);
  return { kind: header.kind, entries };
}

/** The kind of an object; null when its header does not open. Pure. The rest of the object is not looked at. */
export function openKind(key: ObjectKey, bytes: Buffer): ObjectKind | null {
  if (bytes.length < FIRST_CHUNK_OFFSET) return null;
  try {
    const sealedHeader = bytes.subarray(SALT_BYTES, FIRST_CHUNK_OFFSET);
    return parseHeader(openPart(key, 'header', HEADER_COUNTER, sealedHeader), bytes.length).kind;
  } catch (error) {
    if (isRefusal(error, 'object_damaged') || isRefusal(error, 'format_unsupported')) return null;
    throw error;
  }
}

/**
 * Open one chunk of an object, given where it lies; the directory is not needed. Pure.
 *
 * keys      chunkIdKey proves that the plaintext is the one of entry.chunkId
 * key       objectKeyOf these bytes
 * entry     from the directory, or from an index that may be wrong
 * memory    CHUNK_MEMORY_BYTES, where the plaintext will lie; without it, in fresh memory
 * returns   the plaintext, exactly entry.rawBytes
 * throws    object_damaged
 */
export function openChunk(
  keys: Pick<DataKeys, 'chunkIdKey'>,
  key: ObjectKey,
  bytes: Buffer,
  entry: ChunkEntry,
  memory?: Buffer,
): Buffer {
  const { index, offset, storedBytes, rawBytes } = entry;
  const chunkEnd = offset + storedBytes;
  const isPossible = index < OBJECT_CHUNKS_MAX && offset >= FIRST_CHUNK_OFFSET && chunkEnd <= bytes.length;
  if (!isPossible || !hasPossibleSizes(entry)) {
    throw new ProtocolError('object_damaged', { objectId: key.objectId, reason: 'chunk_place' });
  }
  const opened = openPart(key, 'chunk', FIRST_CHUNK_COUNTER + index, bytes.subarray(offset, chunkEnd), memory);
  const plaintext = decompress(opened[0]!, opened.subarray(1), rawBytes, memory?.subarray(opened.length));
  const chunkId = createHmac('sha256', keys.chunkIdKey).update(plaintext).digest();
  if (!equalInConstantTime(chunkId, entry.chunkId)) {
    throw new ProtocolError('object_damaged', { objectId: key.objectId, reason: 'chunk_id' });
  }
  return plaintext;
}

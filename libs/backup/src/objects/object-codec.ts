// The plaintext of an object's header and directory, to bytes and back.
import { strict as assert } from 'node:assert';
import { ProtocolError } from '#protocol';
import { CHUNK_ID_BYTES } from '../chunking/chunk-id.js';
import { CHUNK_BYTES_MAX, OBJECT_CHUNKS_MAX } from '../limits.js';
import { SALT_BYTES, TAG_BYTES } from './object-key.js';

/*
 * An object of version 1:
 *
 * | offset          | size            | field                                                        |
 * |-----------------|-----------------|--------------------------------------------------------------|
 * | 0               | 32              | salt                                                         |
 * | 32              | 32 + 16         | sealed header                                                |
 * | 80              | ...             | sealed chunks, back to back: codec byte, body, 16-byte tag   |
 * | directoryOffset | directoryBytes  | sealed directory: 44 bytes a chunk, in order, 16-byte tag    |
 * | then            | ...             | random padding                                               |
 *
 * Header: magic "PKOB" | u16 version | u8 kind | u8 zero | u32 chunkCount | u32 directoryOffset | u32 directoryBytes | 12 zero
 * Directory entry: 32 chunk id | u32 offset | u32 storedBytes | u32 rawBytes.                     Numbers are big-endian.
 */
export const HEADER_BYTES = 32;
export const ENTRY_BYTES = CHUNK_ID_BYTES + 12;
export const FIRST_CHUNK_OFFSET = SALT_BYTES + HEADER_BYTES + TAG_BYTES;
/** What sealing adds to a chunk that does not compress: its codec byte and its tag. */
export const CHUNK_OVERHEAD_BYTES = 1 + TAG_BYTES;

const MAGIC = Buffer.from('PKOB');
const VERSION = 1;
/** The byte that stands for each kind, here and in stored indexes. */
export const OBJECT_KIND_CODES = { data: 1, tree: 2, index: 3, snapshot: 4, notice: 5 } as const;
const RESERVED_OFFSET = 20;

/** What the chunks of an object are: pieces of files, lists of folders, lists of chunks, snapshots, or notices between machines. */
export type ObjectKind = keyof typeof OBJECT_KIND_CODES;

/**
 * Where a chunk lies in its object.
 *
 * chunkId       32 bytes
 * index         position in the directory, which is also its nonce
 * offset        of the sealed chunk in the object's bytes
 * storedBytes   sealed, with codec byte and tag
 * rawBytes      of the plaintext
 */
export interface ChunkEntry {
  readonly chunkId: Uint8Array;
  readonly index: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly rawBytes: number;
}

export interface ObjectHeader {
  readonly kind: ObjectKind;
  readonly chunkCount: number;
  readonly directoryOffset: number;
  readonly directoryBytes: number;
}

/** The sealed size of the directory of so many chunks. */
export function directoryBytesOf(chunkCount: number): number {
  return chunkCount * ENTRY_BYTES + TAG_BYTES;
}

/** Pure. The header's plaintext, 32 bytes. */
export function encodeHeader(header: ObjectHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(VERSION, 4);
  bytes.writeUInt8(OBJECT_KIND_CODES[header.kind], 6);
  bytes.writeUInt32BE(header.chunkCount, 8);
  bytes.writeUInt32BE(header.directoryOffset, 12);
  bytes.writeUInt32BE(header.directoryBytes, 16);
  return bytes;
}

/**
 * Read a header that has been authenticated, and still believe nothing of it. Pure.
 *
 * objectBytes   the length of the object that carries it; everything it names lies inside
 * throws        format_unsupported (a later version) | object_damaged
 */
export function parseHeader(bytes: Buffer, objectBytes: number): ObjectHeader {
  if (bytes.length !== HEADER_BYTES || !bytes.subarray(0, 4).equals(MAGIC)) throw damaged('header_magic');
  const version = bytes.readUInt16BE(4);
  if (version > VERSION) throw new ProtocolError('format_unsupported', { version });
  const kind = objectKindOf(bytes.readUInt8(6));
  const header = {
    chunkCount: bytes.readUInt32BE(8),
    directoryOffset: bytes.readUInt32BE(12),
    directoryBytes: bytes.readUInt32BE(16),
  };
  if (version !== VERSION || kind === null || bytes[7] !== 0) throw damaged('header_field');
  if (bytes.subarray(RESERVED_OFFSET).some((byte) => byte !== 0)) throw damaged('header_reserved');
  if (header.chunkCount < 1 || header.chunkCount > OBJECT_CHUNKS_MAX) throw damaged('chunk_count');
  if (header.directoryBytes !== directoryBytesOf(header.chunkCount)) throw damaged('directory_bytes');
  if (header.directoryOffset < FIRST_CHUNK_OFFSET) throw damaged('directory_offset');
  if (header.directoryOffset + header.directoryBytes > objectBytes) throw damaged('directory_offset');
  return { kind, ...header };
}

/** Pure. 44 bytes an entry, in order; an entry's index is its place. */
export function encodeEntries(entries: readonly ChunkEntry[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.length * ENTRY_BYTES);
  entries.forEach((entry, index) => {
    assert.equal(entry.index, index);
    assert.equal(entry.chunkId.length, CHUNK_ID_BYTES);
    const start = index * ENTRY_BYTES;
    bytes.set(entry.chunkId, start);
    bytes.writeUInt32BE(entry.offset, start + CHUNK_ID_BYTES);
    bytes.writeUInt32BE(entry.storedBytes, start + CHUNK_ID_BYTES + 4);
    bytes.writeUInt32BE(entry.rawBytes, start + CHUNK_ID_BYTES + 8);
  });
  return bytes;
}

/**
 * Read the entries of a directory: chunks of possible sizes that fill the space from byte 80 to `directoryOffset`
 * without gap or overlap. Pure. Chunk ids are views of `bytes`.
 *
 * throws   object_damaged
 */
export function parseEntries(bytes: Buffer, directoryOffset: number): ChunkEntry[] {
  const chunkCount = bytes.length / ENTRY_BYTES;
  if (!Number.isInteger(chunkCount)) throw damaged('directory_bytes');
  const entries: ChunkEntry[] = [];
  let expectedOffset = FIRST_CHUNK_OFFSET;
  for (let index = 0; index < chunkCount; index++) {
    const start = index * ENTRY_BYTES;
    const entry = {
      chunkId: bytes.subarray(start, start + CHUNK_ID_BYTES),
      index,
      offset: bytes.readUInt32BE(start + CHUNK_ID_BYTES),
      storedBytes: bytes.readUInt32BE(start + CHUNK_ID_BYTES + 4),
      rawBytes: bytes.readUInt32BE(start + CHUNK_ID_BYTES + 8),
    };
    if (entry.offset !== expectedOffset) throw damaged('chunk_offset');
    if (!hasPossibleSizes(entry)) throw damaged('chunk_size');
    expectedOffset += entry.storedBytes;
    entries.push(entry);
  }
  if (expectedOffset !== directoryOffset) throw damaged('directory_offset');
  return entries;
}

/** True when a chunk of these sizes can exist: at least one byte of body, and never longer than when it is stored. */
export function hasPossibleSizes(entry: Pick<ChunkEntry, 'storedBytes' | 'rawBytes'>): boolean {
  if (entry.rawBytes < 1 || entry.rawBytes > CHUNK_BYTES_MAX) return false;
  return entry.storedBytes > CHUNK_OVERHEAD_BYTES && entry.storedBytes <= entry.rawBytes + CHUNK_OVERHEAD_BYTES;
}

/** The kind of a byte; null for a byte that stands for none. Pure. */
export function objectKindOf(code: number): ObjectKind | null {
  for (const [kind, kindCode] of Object.entries(OBJECT_KIND_CODES)) if (kindCode === code) return kind as ObjectKind;
  return null;
}

function damaged(reason: string): ProtocolError {
  return new ProtocolError('object_damaged', { reason });
}

// The bytes of the local chunk index file: a header that names its key, then one authenticated record for each event.
import { strict as assert } from 'node:assert';
import { createHmac } from 'node:crypto';
import { decodeHex, equalInConstantTime, isUuidV7, KEY_BYTES, type ObjectId } from '#protocol';
import { CHUNK_ID_BYTES } from './chunking/chunk-id.js';
import { OBJECT_CHUNKS_MAX } from './limits.js';
import {
  type ChunkEntry,
  ENTRY_BYTES,
  encodeEntries,
  FIRST_CHUNK_OFFSET,
  OBJECT_KIND_CODES,
  type ObjectKind,
  objectKindOf,
  parseEntries,
} from './objects/object-codec.js';

/*
 * | offset | size | field                                                                            |
 * |--------|------|----------------------------------------------------------------------------------|
 * | 0      | 8    | "PKCI", u16 version 1, u16 zero                                                  |
 * | 8      | 32   | fingerprint: HMAC-SHA-256(cacheKey, the 8 bytes before)                          |
 * | 40     | ...  | records                                                                          |
 *
 * Record: u32 payload length | 16 bytes of HMAC-SHA-256(cacheKey, payload) | payload
 * Payload: u8 type | u8 kind (stored only, else 0) | 16 bytes object id | stored, known: 44 bytes a chunk, as in a directory
 * Types: 1 stored, 2 known, 3 published, 4 forgotten, 5 condemned
 */
export const INDEX_HEADER_BYTES = 8 + KEY_BYTES;

const PREFIX = Buffer.from('504b434900010000', 'hex');
const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 16;
const RECORD_HEAD_BYTES = LENGTH_BYTES + CHECKSUM_BYTES;
const OBJECT_ID_BYTES = 16;
const PAYLOAD_HEAD_BYTES = 2 + OBJECT_ID_BYTES;
const PAYLOAD_BYTES_MAX = PAYLOAD_HEAD_BYTES + OBJECT_CHUNKS_MAX * ENTRY_BYTES;
const TYPES = { stored: 1, known: 2, published: 3, forgotten: 4, condemned: 5 } as const;

export const INDEX_RECORD_BYTES_MAX = RECORD_HEAD_BYTES + PAYLOAD_BYTES_MAX;

/** An object that this machine stored, with what a stored index says of it. */
export interface IndexedObjectEntries {
  readonly objectId: ObjectId;
  readonly kind: ObjectKind;
  readonly entries: readonly ChunkEntry[];
}

/**
 * stored      this machine stored the object; no stored index names it yet
 * known       the object was learnt from a stored index, or is one
 * published   a stored index names the object by now
 * forgotten   the object is stored no longer
 * condemned   a notice marks the object to be deleted
 */
export type IndexRecord =
  | ({ readonly type: 'stored' } & IndexedObjectEntries)
  | { readonly type: 'known'; readonly objectId: ObjectId; readonly entries: readonly ChunkEntry[] }
  | { readonly type: 'published'; readonly objectId: ObjectId }
  | { readonly type: 'forgotten'; readonly objectId: ObjectId }
  | { readonly type: 'condemned'; readonly objectId: ObjectId };

/**
 * What stands at a place of the file: a whole record, the torn tail of a write that the machine did not survive, or
 * something that this key never wrote.
 */
export type ParsedRecord =
  | { readonly kind: 'record'; readonly record: IndexRecord; readonly sizeBytes: number }
  | { readonly kind: 'torn' }
  | { readonly kind: 'damaged' };

/** Pure. 40 bytes; the fingerprint tells a file of another account apart without telling anything of the key. */
export function encodeIndexHeader(cacheKey: Uint8Array): Buffer {
  return Buffer.concat([PREFIX, createHmac('sha256', cacheKey).update(PREFIX).digest()]);
}

/** Pure. */
export function encodeIndexRecord(cacheKey: Uint8Array, record: IndexRecord): Buffer {
  const payload = encodePayload(record);
  assert(payload.length <= PAYLOAD_BYTES_MAX);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, checksumOf(cacheKey, payload), payload]);
}

/**
 * Read the record at the start of `bytes`. Pure. The record keeps nothing of `bytes`, which may be used again.
 *
 * bytes    either everything up to the end of the file, or at least INDEX_RECORD_BYTES_MAX + 1 of it
 * returns  `torn` only for a tail: a record that reaches to the end of the file or beyond it, or nothing but zeros
 */
export function parseIndexRecord(cacheKey: Uint8Array, bytes: Buffer): ParsedRecord {
  if (bytes.length < RECORD_HEAD_BYTES) return { kind: 'torn' };
  const payloadBytes = bytes.readUInt32BE(0);
  if (payloadBytes < PAYLOAD_HEAD_BYTES || payloadBytes > PAYLOAD_BYTES_MAX) {
    return { kind: bytes.every((byte) => byte === 0) ? 'torn' : 'damaged' };
  }
  const sizeBytes = RECORD_HEAD_BYTES + payloadBytes;
  if (sizeBytes > bytes.length) return { kind: 'torn' };
  const payload = bytes.subarray(RECORD_HEAD_BYTES, sizeBytes);
  if (!equalInConstantTime(bytes.subarray(LENGTH_BYTES, RECORD_HEAD_BYTES), checksumOf(cacheKey, payload))) {
    return { kind: sizeBytes === bytes.length ? 'torn' : 'damaged' };
  }
  return { kind: 'record', record: parsePayload(Buffer.from(payload)), sizeBytes };
}

function checksumOf(cacheKey: Uint8Array, payload: Buffer): Buffer {
  return createHmac('sha256', cacheKey).update(payload).digest().subarray(0, CHECKSUM_BYTES);
}

function encodePayload(record: IndexRecord): Buffer {
  const objectId = decodeHex(record.objectId.replaceAll('-', ''));
  assert(objectId !== null);
  assert.equal(objectId.length, OBJECT_ID_BYTES);
  const kindCode = record.type === 'stored' ? OBJECT_KIND_CODES[record.kind] : 0;
  const head = Buffer.concat([Buffer.of(TYPES[record.type], kindCode), objectId]);
  if (record.type !== 'stored' && record.type !== 'known') return head;
  const body = encodeEntries(record.entries);
  // What could not be read again is refused before it is written.
  parseEntries(body, directoryOffsetOf(body));
  return Buffer.concat([head, body]);
}

/** The payload is authentic: only this program wrote it, so whatever is wrong with it is our own mistake. */
function parsePayload(payload: Buffer): IndexRecord {
  const [typeCode, kindCode] = payload;
  const objectId = uuidText(payload.subarray(2, PAYLOAD_HEAD_BYTES));
  const body = payload.subarray(PAYLOAD_HEAD_BYTES);
  for (const type of ['published', 'forgotten', 'condemned'] as const) {
    if (typeCode !== TYPES[type]) continue;
    assert.equal(body.length, 0);
    return { type, objectId };
  }
  const entries = parseEntries(body, directoryOffsetOf(body));
  if (typeCode === TYPES.known) return { type: 'known', objectId, entries };
  assert.equal(typeCode, TYPES.stored);
  const kind = objectKindOf(kindCode!);
  assert(kind !== null);
  return { type: 'stored', objectId, kind, entries };
}

/** Where the directory of these entries lay: at the end of the last chunk. */
function directoryOffsetOf(entries: Buffer): number {
  if (entries.length < ENTRY_BYTES) return FIRST_CHUNK_OFFSET;
  const last = entries.length - ENTRY_BYTES;
  return entries.readUInt32BE(last + CHUNK_ID_BYTES) + entries.readUInt32BE(last + CHUNK_ID_BYTES + 4);
}

function uuidText(bytes: Buffer): ObjectId {
  const hex = bytes.toString('hex');
  const text = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  assert(isUuidV7(text));
  return text as ObjectId;
}

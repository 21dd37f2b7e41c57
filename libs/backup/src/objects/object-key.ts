// The key of one object, and how it seals the parts: AES-256-GCM with a nonce that a fresh key never sees twice.
import { strict as assert } from 'node:assert';
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { KEY_BYTES, type ObjectId, ProtocolError } from '#protocol';
import { type GcmInput, gcmOpen, gcmSealInto, NONCE_BYTES, TAG_BYTES } from './aes-gcm.js';

export const SALT_BYTES = 32;
export { TAG_BYTES };

export const HEADER_COUNTER = 0;
export const DIRECTORY_COUNTER = 1;
/** The chunk at position i of the directory has counter FIRST_CHUNK_COUNTER + i. */
export const FIRST_CHUNK_COUNTER = 2;

export type ObjectPart = 'header' | 'directory' | 'chunk';

/** Seals or opens the parts of one object under one salt. Made by deriveObjectKey only. */
export interface ObjectKey {
  readonly objectId: ObjectId;
  readonly secret: KeyObject;
  readonly associatedData: Readonly<Record<ObjectPart, Buffer>>;
}

/**
 * The key of an object: HKDF-SHA-256(objectsKey, salt, "peerkeep/1/object/<objectId>"). Pure.
 *
 * salt   the object's first 32 bytes; fresh randomness per object, so counters may start at 0 in each
 */
export function deriveObjectKey(objectsKey: Uint8Array, objectId: ObjectId, salt: Uint8Array): ObjectKey {
  assert.equal(objectsKey.length, KEY_BYTES);
  assert.equal(salt.length, SALT_BYTES);
  const label = `peerkeep/1/object/${objectId}`;
  return {
    objectId,
    secret: createSecretKey(Buffer.from(hkdfSync('sha256', objectsKey, salt, label, KEY_BYTES))),
    associatedData: {
      header: Buffer.from(`${label}/header`),
      directory: Buffer.from(`${label}/directory`),
      chunk: Buffer.from(`${label}/chunk`),
    },
  };
}

/**
 * Seal one part into `target` at `offset`: ciphertext, then the 16-byte tag.
 *
 * returns   the bytes written, plaintext.length + 16
 */
export function sealPart(
  key: ObjectKey,
  part: ObjectPart,
  counter: number,
  plaintext: Uint8Array,
  target: Buffer,
  offset: number,
): number {
  return gcmSealInto(inputOf(key, part, counter), plaintext, target, offset);
}

/**
 * Open one sealed part.
 *
 * memory   as in gcmOpen
 * throws   object_damaged when it is not the part that this key sealed with this counter
 */
export function openPart(
  key: ObjectKey,
  part: ObjectPart,
  counter: number,
  sealed: Uint8Array,
  memory?: Buffer,
): Buffer {
  const plaintext = gcmOpen(inputOf(key, part, counter), sealed, memory);
  if (plaintext === null) throw new ProtocolError('object_damaged', { objectId: key.objectId, part });
  return plaintext;
}

function inputOf({ secret, associatedData }: ObjectKey, part: ObjectPart, counter: number): GcmInput {
  return { secret, nonce: nonceOf(counter), associatedData: associatedData[part] };
}

function nonceOf(counter: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(counter, NONCE_BYTES - 4);
  return nonce;
}

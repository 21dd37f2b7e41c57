// The key of one object, and how it seals the parts: AES-256-GCM with a nonce that a fresh key never sees twice.
import { strict as assert } from 'node:assert';
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { KEY_BYTES, type ObjectId, ProtocolError } from '#protocol';

export const SALT_BYTES = 32;
export const TAG_BYTES = 16;

export const HEADER_COUNTER = 0;
export const DIRECTORY_COUNTER = 1;
/** The chunk at position i of the directory has counter FIRST_CHUNK_COUNTER + i. */
export const FIRST_CHUNK_COUNTER = 2;

const NONCE_BYTES = 12;
// node:crypto returns fresh memory for what it encrypts; pieces of this size stay in the cache and are about a quarter
// faster than whole chunks.
const PIECE_BYTES = 64 * 1024;
const ALGORITHM = 'aes-256-gcm';
// Without this node:crypto accepts tags of 4 bytes.
const OPTIONS = { authTagLength: TAG_BYTES };

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
  const sealedBytes = plaintext.length + TAG_BYTES;
  assert(offset + sealedBytes <= target.length);
  const cipher = createCipheriv(ALGORITHM, key.secret, nonceOf(counter), OPTIONS);
  cipher.setAAD(key.associatedData[part]);
  for (let start = 0; start < plaintext.length; start += PIECE_BYTES) {
    target.set(cipher.update(plaintext.subarray(start, start + PIECE_BYTES)), offset + start);
  }
  const rest = cipher.final();
  assert.equal(rest.length, 0);
  target.set(cipher.getAuthTag(), offset + plaintext.length);
  return sealedBytes;
}

/**
 * Open one sealed part. Nothing of it is returned before its tag holds (NIST SP 800-38D §7.2).
 *
 * throws   object_damaged when it is not the part that this key sealed with this counter
 */
export function openPart(key: ObjectKey, part: ObjectPart, counter: number, sealed: Uint8Array): Buffer {
  if (sealed.length < TAG_BYTES) throw new ProtocolError('object_damaged', { objectId: key.objectId, part });
  const tagOffset = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key.secret, nonceOf(counter), OPTIONS);
  decipher.setAAD(key.associatedData[part]);
  decipher.setAuthTag(sealed.subarray(tagOffset));
  const plaintext = decipher.update(sealed.subarray(0, tagOffset));
  try {
    decipher.final();
  } catch (cause) {
    throw new ProtocolError('object_damaged', { objectId: key.objectId, part }, { cause });
  }
  return plaintext;
}

function nonceOf(counter: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(counter, NONCE_BYTES - 4);
  return nonce;
}

// AES-256-GCM (NIST SP 800-38D) by node:crypto, into memory that the caller has: how every part of an object is sealed.
import { strict as assert } from 'node:assert';
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';

export const TAG_BYTES = 16;
export const NONCE_BYTES = 12;

// node:crypto returns fresh memory for what it encrypts; pieces of this size stay in the cache and are about a quarter
// faster than whole chunks.
const PIECE_BYTES = 64 * 1024;
const ALGORITHM = 'aes-256-gcm';
// Without this node:crypto accepts tags of 4 bytes.
const OPTIONS = { authTagLength: TAG_BYTES };

export interface GcmInput {
  /** 32 bytes. */
  readonly secret: KeyObject;
  /** 12 bytes; never two messages under one key and nonce. */
  readonly nonce: Uint8Array;
  readonly associatedData: Uint8Array;
}

/**
 * Seal into `target` at `offset`: ciphertext, then the 16-byte tag.
 *
 * returns   the bytes written, plaintext.length + 16
 */
export function gcmSealInto(input: GcmInput, plaintext: Uint8Array, target: Buffer, offset: number): number {
  const sealedBytes = plaintext.length + TAG_BYTES;
  assert(offset + sealedBytes <= target.length);
  assert.equal(input.nonce.length, NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, input.secret, input.nonce, OPTIONS);
  cipher.setAAD(input.associatedData);
  for (let start = 0; start < plaintext.length; start += PIECE_BYTES) {
    target.set(cipher.update(plaintext.subarray(start, start + PIECE_BYTES)), offset + start);
  }
  const rest = cipher.final();
  assert.equal(rest.length, 0);
  target.set(cipher.getAuthTag(), offset + plaintext.length);
  return sealedBytes;
}

/**
 * The plaintext; null when its tag does not hold, and nothing of it then (NIST SP 800-38D §7.2).
 *
 * memory   where the plaintext goes, from the beginning, if there is room; without it, into fresh memory
 */
export function gcmOpen(input: GcmInput, sealed: Uint8Array, memory?: Buffer): Buffer | null {
  assert.equal(input.nonce.length, NONCE_BYTES);
  if (sealed.length < TAG_BYTES) return null;
  const tagOffset = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, input.secret, input.nonce, OPTIONS);
  decipher.setAAD(input.associatedData);
  decipher.setAuthTag(sealed.subarray(tagOffset));
  const plaintext = memory === undefined ? Buffer.allocUnsafe(tagOffset) : memory.subarray(0, tagOffset);
  assert.equal(plaintext.length, tagOffset);
  for (let start = 0; start < tagOffset; start += PIECE_BYTES) {
    plaintext.set(decipher.update(sealed.subarray(start, Math.min(start + PIECE_BYTES, tagOffset))), start);
  }
  try {
    decipher.final();
  } catch (error) {
    // All lengths are right: a wrong tag is all that is left to complain about.
    assert(error instanceof Error);
    return null;
  }
  return plaintext;
}

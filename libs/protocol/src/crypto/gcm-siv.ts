// AES-256-GCM-SIV (RFC 8452) by @noble, for both suites: node:crypto has none, and only keys are sealed with it.
import { strict as assert } from 'node:assert';
import { gcmsiv } from '@noble/ciphers/aes.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function gcmSivSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  assert.equal(key.length, KEY_BYTES);
  assert.equal(nonce.length, NONCE_BYTES);
  return gcmsiv(key, nonce, aad).encrypt(plaintext);
}

export function gcmSivOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  assert.equal(key.length, KEY_BYTES);
  assert.equal(nonce.length, NONCE_BYTES);
  if (sealed.length < TAG_BYTES) return null;
  const cipher = gcmsiv(key, nonce, aad);
  try {
    return cipher.decrypt(sealed);
  } catch (error) {
    // With every length checked above, a wrong tag is all that @noble can still complain about.
    assert(error instanceof Error);
    return null;
  }
}

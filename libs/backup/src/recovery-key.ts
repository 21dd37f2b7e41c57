// The account's recovery key: an Ed25519 pair grown from the master key, so that the phrase alone proves the account.
import { strict as assert } from 'node:assert';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { KEY_BYTES } from '#protocol';

// RFC 8410 §7: the DER of a PKCS #8 Ed25519 private key is these 16 bytes, then the seed.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `publicKey` is 32 raw bytes; `sign` gives a 64-byte signature (RFC 8032, pure Ed25519). */
export interface RecoveryKeyPair {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The recovery key pair of a seed. Pure: the same seed gives the same pair, and signatures are deterministic.
 *
 * seed   DataKeys.recoverySeed, 32 bytes
 */
export function recoveryKeyPair(seed: Uint8Array): RecoveryKeyPair {
  assert.equal(seed.length, KEY_BYTES);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  // RFC 8410 §4: an Ed25519 SubjectPublicKeyInfo ends with the 32 bytes of the key.
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(-KEY_BYTES)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

// The primitives that Peerkeep computes with, behind one face: node:crypto where there is one, @noble everywhere else.

/** A function of one fixed key, with what depends on the key alone computed already. */
export type Mac = (data: Uint8Array) => Uint8Array;

/**
 * A cipher suite. Both implementations give the same bytes; the key schedule, tokens and control messages take one.
 * All inputs are left unchanged; all results are fresh.
 */
export interface CryptoSuite {
  readonly name: 'node' | 'noble';
  /** SHA-256, FIPS 180-4. 32 bytes. */
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256, RFC 2104. 32 bytes. */
  hmacSha256(key: Uint8Array): Mac;
  /** HMAC-SHA-384, RFC 2104. 48 bytes. */
  hmacSha384(key: Uint8Array): Mac;
  /** AES-256 in counter mode, NIST SP 800-38A §6.5; encrypts and decrypts. `counter` is the first 16-byte block. */
  aes256Ctr(key: Uint8Array, counter: Uint8Array, data: Uint8Array): Uint8Array;
  /** AES-256-GCM-SIV, RFC 8452. Returns ciphertext and 16-byte tag. */
  aes256GcmSivSeal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or null when key, nonce, aad or ciphertext do not belong together. */
  aes256GcmSivOpen(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

// PASETO v3.local (paseto-standard/paseto-spec, docs/01-Protocol-Versions/Version3.md): AES-256-CTR, then HMAC-SHA-384.
import { strict as assert } from 'node:assert';
import { concatBytes, decodeBase64url, encodeBase64url, equalInConstantTime, newBytes, utf8 } from '../bytes.js';
import type { CryptoSuite, Mac } from '../crypto/suite.js';

export const V3_LOCAL_HEADER = 'v3.local.';
export const V3_LOCAL_NONCE_BYTES = 32;
const KEY_BYTES = 32;
const TAG_BYTES = 48;
const HEADER = utf8(V3_LOCAL_HEADER);
const ENCRYPTION_LABEL = utf8('paseto-encryption-key');
const AUTHENTICATION_LABEL = utf8('paseto-auth-key-for-aead');
const NO_SALT = new Uint8Array(48);

/** A v3.local key: 32 bytes, used for nothing else. HKDF's first half depends on the key alone and is kept. */
export class V3LocalKey {
  readonly expand: Mac;

  constructor(
    key: Uint8Array,
    readonly suite: CryptoSuite,
  ) {
    assert.equal(key.length, KEY_BYTES);
    this.expand = suite.hmacSha384(suite.hmacSha384(NO_SALT)(key));
  }
}

/** A token's text cut into its parts; the payload is nonce || ciphertext || tag. Nothing in it is trusted yet. */
export interface V3LocalParts {
  readonly payload: Uint8Array;
  readonly footer: Uint8Array;
}

/**
 * Encrypt and authenticate. Pure.
 *
 * nonce    32 fresh random bytes; never two messages under one key and nonce
 * returns  `v3.local.<base64url>[.<base64url footer>]`
 */
export function sealV3Local(
  key: V3LocalKey,
  message: Uint8Array,
  extra: { footer: Uint8Array; implicit: Uint8Array; nonce: Uint8Array },
): string {
  assert.equal(extra.nonce.length, V3_LOCAL_NONCE_BYTES);
  const { encryptionKey, counter, authenticate } = keysFor(key, extra.nonce);
  const ciphertext = key.suite.aes256Ctr(encryptionKey, counter, message);
  const tag = authenticate(preAuthenticate([HEADER, extra.nonce, ciphertext, extra.footer, extra.implicit]));
  const token = V3_LOCAL_HEADER + encodeBase64url(concatBytes(extra.nonce, ciphertext, tag));
  return extra.footer.length === 0 ? token : `${token}.${encodeBase64url(extra.footer)}`;
}

/** Cut a token's text into its parts; null unless it is the canonical text of some v3.local token. */
export function splitV3Local(text: string): V3LocalParts | null {
  if (!text.startsWith(V3_LOCAL_HEADER)) return null;
  const body = text.slice(V3_LOCAL_HEADER.length);
  const dot = body.indexOf('.');
  const payload = decodeBase64url(dot === -1 ? body : body.slice(0, dot));
  const footer = dot === -1 ? new Uint8Array(0) : decodeBase64url(body.slice(dot + 1));
  if (payload === null || footer === null) return null;
  if (dot !== -1 && footer.length === 0) return null;
  if (payload.length < V3_LOCAL_NONCE_BYTES + TAG_BYTES) return null;
  return { payload, footer };
}

/** The message, or null when key, implicit assertion and token do not belong together. Authenticates before decrypting. */
export function openV3Local(key: V3LocalKey, parts: V3LocalParts, implicit: Uint8Array): Uint8Array | null {
  const { payload, footer } = parts;
  const nonce = payload.subarray(0, V3_LOCAL_NONCE_BYTES);
  const ciphertext = payload.subarray(V3_LOCAL_NONCE_BYTES, payload.length - TAG_BYTES);
  const tag = payload.subarray(payload.length - TAG_BYTES);
  const { encryptionKey, counter, authenticate } = keysFor(key, nonce);
  const expected = authenticate(preAuthenticate([HEADER, nonce, ciphertext, footer, implicit]));
  if (!equalInConstantTime(expected, tag)) return null;
  return key.suite.aes256Ctr(encryptionKey, counter, ciphertext);
}

/** Two HKDF-SHA-384 outputs of 48 bytes, one block each (RFC 5869 §2.3 with N = 1): a key pair for this nonce alone. */
function keysFor(
  key: V3LocalKey,
  nonce: Uint8Array,
): { encryptionKey: Uint8Array; counter: Uint8Array; authenticate: Mac } {
  const encryption = key.expand(expandInput(ENCRYPTION_LABEL, nonce));
  const authentication = key.expand(expandInput(AUTHENTICATION_LABEL, nonce));
  return {
    encryptionKey: encryption.subarray(0, 32),
    counter: encryption.subarray(32, 48),
    authenticate: key.suite.hmacSha384(authentication),
  };
}

function expandInput(label: Uint8Array, nonce: Uint8Array): Uint8Array {
  const input = newBytes(label.length + nonce.length + 1);
  input.set(label);
  input.set(nonce, label.length);
  input[input.length - 1] = 1;
  return input;
}

/** Pre-Authentication Encoding (Common.md "PAE"): no two lists of pieces have the same bytes. */
export function preAuthenticate(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 8;
  for (const piece of pieces) length += 8 + piece.length;
  const encoded = newBytes(length);
  writeLength(encoded, 0, pieces.length);
  let offset = 8;
  for (const piece of pieces) {
    writeLength(encoded, offset, piece.length);
    encoded.set(piece, offset + 8);
    offset += 8 + piece.length;
  }
  return encoded;
}

/** LE64 of a length below 2^32: no buffer is longer. */
function writeLength(bytes: Uint8Array, offset: number, length: number): void {
  bytes[offset] = length & 0xff;
  bytes[offset + 1] = (length >>> 8) & 0xff;
  bytes[offset + 2] = (length >>> 16) & 0xff;
  bytes[offset + 3] = length >>> 24;
  bytes.fill(0, offset + 4, offset + 8);
}

// The suite in pure JavaScript, by @noble: audited, small, runs in a browser.
import { ctr } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { gcmSivOpen, gcmSivSeal } from './gcm-siv.js';
import type { CryptoSuite, Mac } from './suite.js';

/** The states after the two padded keys are kept; each message starts from copies of them. */
function prepared(hash: typeof sha256 | typeof sha384, key: Uint8Array): Mac {
  const keyed = hmac.create(hash, key);
  return (data) => keyed.clone().update(data).digest();
}

export const nobleSuite: CryptoSuite = {
  name: 'noble',
  sha256: (data) => sha256(data),
  hmacSha256: (key) => prepared(sha256, key),
  hmacSha384: (key) => prepared(sha384, key),
  aes256Ctr: (key, counter, data) => ctr(key, counter).encrypt(data),
  aes256GcmSivSeal: gcmSivSeal,
  aes256GcmSivOpen: gcmSivOpen,
};

// The suite by node:crypto (OpenSSL): the same bytes as noble-suite.ts, many times faster.
import { createCipheriv, hash } from 'node:crypto';
import { gcmSivOpen, gcmSivSeal } from './gcm-siv.js';
import type { CryptoSuite, Mac } from './suite.js';

const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const SIZES = {
  sha256: { blockBytes: 64, hashBytes: 32 },
  sha384: { blockBytes: 128, hashBytes: 48 },
} as const;

/**
 * HMAC of two one-shot hashes (RFC 2104 §2): about half the time of createHmac, which makes a key object and a stream
 * for each message; and the padded keys are made once. The digests come as text of a character a byte: node makes a
 * short string in a third of the time that it takes to make a Buffer.
 */
function prepared(algorithm: 'sha256' | 'sha384', key: Uint8Array): Mac {
  const { blockBytes, hashBytes } = SIZES[algorithm];
  const shortKey = key.length > blockBytes ? hash(algorithm, key, 'buffer') : key;
  const innerKey = Buffer.allocUnsafe(blockBytes).fill(INNER_PAD);
  // The digest of the inner hash is written behind the outer key for each message.
  const outer = Buffer.allocUnsafe(blockBytes + hashBytes).fill(OUTER_PAD);
  for (let i = 0; i < shortKey.length; i++) {
    innerKey[i]! ^= shortKey[i]!;
    outer[i]! ^= shortKey[i]!;
  }
  return (data) => {
    const inner = Buffer.allocUnsafe(blockBytes + data.length);
    inner.set(innerKey);
    inner.set(data, blockBytes);
    outer.write(hash(algorithm, inner, 'binary'), blockBytes, 'binary');
    return Buffer.from(hash(algorithm, outer, 'binary'), 'binary');
  };
}

export const nodeSuite: CryptoSuite = {
  name: 'node',
  sha256: (data) => hash('sha256', data, 'buffer'),
  hmacSha256: (key) => prepared('sha256', key),
  hmacSha384: (key) => prepared('sha384', key),
  // Counter mode is a stream: update() gives every byte, final() none.
  aes256Ctr: (key, counter, data) => createCipheriv('aes-256-ctr', key, counter).update(data),
  aes256GcmSivSeal: gcmSivSeal,
  aes256GcmSivOpen: gcmSivOpen,
};

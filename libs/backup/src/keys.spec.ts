// Data keys: against a second HKDF, and all different.
import { hkdfSync } from 'node:crypto';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { encodeHex, utf8 } from '#protocol';
import { agreement, runWycheproof } from '../../protocol/testing/outside-vectors.js';
import { deriveDataKeys } from './keys.js';

const masterKey = new Uint8Array(32).fill(7);

describe('data keys', () => {
  it.each([
    ['chunkIdKey', 'peerkeep/1/data/chunk-id'],
    ['chunkerKey', 'peerkeep/1/data/chunker'],
    ['objectsKey', 'peerkeep/1/data/objects'],
    ['cacheKey', 'peerkeep/1/data/cache'],
    ['recoverySeed', 'peerkeep/1/recovery'],
    ['kitKey', 'peerkeep/1/data/kit'],
  ] as const)('derives %s with the label %s, as another HKDF does', (name, label) => {
    const expected = hkdf(sha256, masterKey, new Uint8Array(0), utf8(label), 32);
    expect(encodeHex(deriveDataKeys(masterKey)[name])).toBe(encodeHex(expected));
  });

  it('never gives one key to two uses', () => {
    const keys = Object.values(deriveDataKeys(masterKey)).map(encodeHex);
    expect(new Set(keys).size).toBe(6);
  });

  it('refuses to derive from anything but 32 bytes', () => {
    expect(() => deriveDataKeys(new Uint8Array(31))).toThrow();
  });
});

describe('the HKDF of node:crypto, which derives them', () => {
  it('agrees with Wycheproof on hkdf_sha256', () => {
    interface Test {
      ikm: string;
      salt: string;
      info: string;
      size: number;
      okm: string;
    }
    const hex = (text: string) => Buffer.from(text, 'hex');
    const outcome = runWycheproof<object, Test>(
      'hkdf_sha256.json',
      'hkdfSync',
      // RFC 5869 §2.3 admits 255 blocks, and node throws past them.
      ({ ikm, salt, info, size, okm }) =>
        size <= 255 * 32 &&
        Buffer.from(hkdfSync('sha256', hex(ikm), hex(salt), hex(info), size)).toString('hex') === okm,
    );
    if (outcome !== null) expect(outcome).toEqual(agreement(83, 3));
    expect(() => hkdfSync('sha256', hex('00'), '', '', 255 * 32 + 1)).toThrow();
  });
});

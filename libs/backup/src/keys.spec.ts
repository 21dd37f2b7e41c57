// Data keys: against a second HKDF, and all different.
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { encodeHex, utf8 } from '#protocol';
import { deriveDataKeys } from './keys.js';

const masterKey = new Uint8Array(32).fill(7);

describe('data keys', () => {
  it.each([
    ['chunkIdKey', 'peerkeep/1/data/chunk-id'],
    ['chunkerKey', 'peerkeep/1/data/chunker'],
    ['objectsKey', 'peerkeep/1/data/objects'],
    ['cacheKey', 'peerkeep/1/data/cache'],
    ['recoverySeed', 'peerkeep/1/recovery'],
  ] as const)('derives %s with the label %s, as another HKDF does', (name, label) => {
    const expected = hkdf(sha256, masterKey, new Uint8Array(0), utf8(label), 32);
    expect(encodeHex(deriveDataKeys(masterKey)[name])).toBe(encodeHex(expected));
  });

  it('never gives one key to two uses', () => {
    const keys = Object.values(deriveDataKeys(masterKey)).map(encodeHex);
    expect(new Set(keys).size).toBe(5);
  });

  it('refuses to derive from anything but 32 bytes', () => {
    expect(() => deriveDataKeys(new Uint8Array(31))).toThrow();
  });
});

// HKDF against the test cases of RFC 5869, appendix A.
import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../bytes.js';
import { childKey, hkdfSha256 } from './hkdf.js';
import { nobleSuite } from './noble-suite.js';
import { nodeSuite } from './node-suite.js';

const range = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => from + i);

const CASES = [
  {
    name: 'A.1',
    inputKey: new Uint8Array(22).fill(0x0b),
    salt: range(0x00, 13),
    info: range(0xf0, 10),
    output: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    name: 'A.2',
    inputKey: range(0x00, 80),
    salt: range(0x60, 80),
    info: range(0xb0, 80),
    output:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09' +
      'da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    name: 'A.3',
    inputKey: new Uint8Array(22).fill(0x0b),
    salt: new Uint8Array(0),
    info: new Uint8Array(0),
    output: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
];

describe.each([nodeSuite, nobleSuite])('HKDF-SHA-256 on suite $name', (suite) => {
  it.each(CASES)('gives the output of RFC 5869 $name', ({ inputKey, salt, info, output }) => {
    const lengthBytes = decodeHex(output)!.length;
    expect(encodeHex(hkdfSha256(suite, { inputKey, salt, info, lengthBytes }))).toBe(output);
  });

  it('gives at most 255 blocks', () => {
    const input = { inputKey: range(0, 32), salt: new Uint8Array(0), info: new Uint8Array(0) };
    expect(hkdfSha256(suite, { ...input, lengthBytes: 8160 }).length).toBe(8160);
    expect(() => hkdfSha256(suite, { ...input, lengthBytes: 8161 })).toThrow();
    expect(() => hkdfSha256(suite, { ...input, lengthBytes: 0 })).toThrow();
  });

  it('gives another child key for every label and every parent', () => {
    const children = [
      childKey(suite, range(0, 32), 'peerkeep/1/token'),
      childKey(suite, range(0, 32), 'peerkeep/1/tokens'),
      childKey(suite, range(1, 32), 'peerkeep/1/token'),
    ].map(encodeHex);
    expect(new Set(children).size).toBe(3);
    expect(children[0]).toHaveLength(64);
  });
});

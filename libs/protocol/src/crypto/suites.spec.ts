// The two suites give the same bytes, and the bytes that NIST, RFCs and Project Wycheproof say.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleBytes, p256KeyPair } from '../../testing/examples.js';
import { agreement, outsideFiles, runWycheproof } from '../../testing/outside-vectors.js';
import { concatBytes, decodeHex, encodeHex, equalInConstantTime, utf8 } from '../bytes.js';
import { V3LocalKey } from '../paseto/v3-local.js';
import { ed25519Verifier } from './ed25519.js';
import { es256Signer, es256Verifier } from './es256.js';
import { hkdfSha256 } from './hkdf.js';
import { nobleSuite } from './noble-suite.js';
import { nodeSuite } from './node-suite.js';
import type { CryptoSuite, Mac } from './suite.js';

const hex = (text: string): Uint8Array => decodeHex(text.replaceAll(' ', ''))!;
const bytesUpTo = (maxLength: number) => fc.uint8Array({ maxLength });
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe.each([nodeSuite, nobleSuite])('suite $name', (suite: CryptoSuite) => {
  it('computes SHA-256 of "abc" as FIPS 180-4 does', () => {
    expect(encodeHex(suite.sha256(utf8('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('computes HMAC-SHA-256 and HMAC-SHA-384 as RFC 4231 §4.3 and §4.7 (a key longer than a block) do', () => {
    const data = utf8('what do ya want for nothing?');
    expect(encodeHex(suite.hmacSha256(utf8('Jefe'))(data))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    expect(encodeHex(suite.hmacSha384(utf8('Jefe'))(data))).toBe(
      'af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
    );
    const longKey = new Uint8Array(131).fill(0xaa);
    const message = utf8('Test Using Larger Than Block-Size Key - Hash Key First');
    expect(encodeHex(suite.hmacSha256(longKey)(message))).toBe(
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    );
    expect(encodeHex(suite.hmacSha384(longKey)(message))).toBe(
      '4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952',
    );
  });

  it('encrypts in counter mode as NIST SP 800-38A F.5.5 does (B15)', () => {
    const key = hex('603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4');
    const counter = hex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
    const plaintext = hex(
      '6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710',
    );
    const ciphertext = hex(
      '601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5 2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6',
    );
    expect(encodeHex(suite.aes256Ctr(key, counter, plaintext))).toBe(encodeHex(ciphertext));
    expect(encodeHex(suite.aes256Ctr(key, counter, ciphertext))).toBe(encodeHex(plaintext));
  });

  it('seals as RFC 8452 C.2 does, and opens nothing that was changed', () => {
    const key = hex('0100000000000000000000000000000000000000000000000000000000000000');
    const nonce = hex('030000000000000000000000');
    const sealed = suite.aes256GcmSivSeal(key, nonce, new Uint8Array(0), hex('0100000000000000'));
    expect(encodeHex(sealed)).toBe('c2ef328e5c71c83b843122130f7364b761e0b97427e3df28');
    expect(encodeHex(suite.aes256GcmSivOpen(key, nonce, new Uint8Array(0), sealed)!)).toBe('0100000000000000');
    for (let i = 0; i < sealed.length; i++) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === i ? byte ^ 1 : byte));
      expect(suite.aes256GcmSivOpen(key, nonce, new Uint8Array(0), changed)).toBeNull();
    }
    expect(suite.aes256GcmSivOpen(key, nonce, utf8('x'), sealed)).toBeNull();
    expect(suite.aes256GcmSivOpen(key, nonce, new Uint8Array(0), sealed.subarray(0, 15))).toBeNull();
  });

  it('agrees with Wycheproof on hmac_sha256 and hmac_sha384, tags cut to the length of the test', () => {
    interface Group {
      tagSize: number;
    }
    interface Test {
      key: string;
      msg: string;
      tag: string;
    }
    for (const name of ['hmacSha256', 'hmacSha384'] as const) {
      const file = name === 'hmacSha256' ? 'hmac_sha256.json' : 'hmac_sha384.json';
      const outcome = runWycheproof<Group, Test>(file, suite.name, ({ key, msg, tag }, { tagSize }) =>
        equalInConstantTime(suite[name](hex(key))(hex(msg)).subarray(0, tagSize / 8), hex(tag)),
      );
      if (outcome !== null) expect(outcome).toEqual(agreement(66, 108));
    }
  });

  it('agrees with Wycheproof on hkdf_sha256', () => {
    interface Test {
      ikm: string;
      salt: string;
      info: string;
      size: number;
      okm: string;
    }
    const outcome = runWycheproof<object, Test>('hkdf_sha256.json', suite.name, ({ ikm, salt, info, size, okm }) => {
      // RFC 5869 §2.3 admits 255 blocks; the function asserts that its caller asks for no more.
      if (size > 255 * 32) return false;
      const input = { inputKey: hex(ikm), salt: hex(salt), info: hex(info), lengthBytes: size };
      return encodeHex(hkdfSha256(suite, input)) === okm;
    });
    if (outcome !== null) expect(outcome).toEqual(agreement(83, 3));
  });

  // The key schedule of PASETO v3 (SPEC §4.1) is HKDF-SHA-384 without a salt, of keys of 32 bytes: V3LocalKey keeps its
  // extracted key and expands. With other salts and keys the MAC under it is tested.
  it('agrees with Wycheproof on hkdf_sha384, by the MAC and as v3.local keys expand', () => {
    interface Test {
      ikm: string;
      salt: string;
      info: string;
      size: number;
      okm: string;
    }
    /** RFC 5869 §2.3, word for word. */
    const expanded = (expand: Mac, info: Uint8Array, sizeBytes: number): string => {
      let block: Uint8Array = new Uint8Array(0);
      let output = '';
      for (let i = 1; output.length < 2 * sizeBytes; i++) {
        block = expand(concatBytes(block, info, Uint8Array.of(i)));
        output += encodeHex(block);
      }
      return output.slice(0, 2 * sizeBytes);
    };
    const byMac = runWycheproof<object, Test>(
      'hkdf_sha384.json',
      `${suite.name} MAC`,
      ({ ikm, salt, info, size, okm }) => {
        if (size > 255 * 48) return false;
        const extract = suite.hmacSha384(salt === '' ? new Uint8Array(48) : hex(salt));
        return expanded(suite.hmacSha384(extract(hex(ikm))), hex(info), size) === okm;
      },
    );
    if (byMac !== null) expect(byMac).toEqual(agreement(80, 3));
    const byKey = runWycheproof<{ keySize: number }, Test>(
      'hkdf_sha384.json',
      `${suite.name} v3.local key`,
      ({ ikm, info, size, okm }) =>
        size <= 255 * 48 && expanded(new V3LocalKey(hex(ikm), suite).expand, hex(info), size) === okm,
      ({ keySize }, { salt }) => keySize === 256 && salt === '',
    );
    if (byKey !== null) expect(byKey).toEqual(agreement(7, 0));
  });

  it('agrees with Wycheproof on aes_gcm_siv with 256-bit keys (we have no 128-bit ones)', () => {
    interface Group {
      keySize: number;
    }
    interface Test {
      key: string;
      iv: string;
      aad: string;
      msg: string;
      ct: string;
      tag: string;
    }
    const outcome = runWycheproof<Group, Test>(
      'aes_gcm_siv.json',
      suite.name,
      ({ key, iv, aad, msg, ct, tag }) => {
        const opened = suite.aes256GcmSivOpen(hex(key), hex(iv), hex(aad), hex(ct + tag));
        if (opened === null || encodeHex(opened) !== msg) return false;
        return encodeHex(suite.aes256GcmSivSeal(hex(key), hex(iv), hex(aad), hex(msg))) === ct + tag;
      },
      ({ keySize }) => keySize === 256,
    );
    if (outcome !== null) expect(outcome).toEqual(agreement(69, 34));
  });

  it('leaves its inputs as they were', () => {
    fc.assert(
      fc.property(bytesOf(32), bytesOf(16), bytesUpTo(300), (key, counter, data) => {
        const before = [key, counter, data].map(encodeHex);
        suite.aes256Ctr(key, counter, data);
        suite.aes256GcmSivSeal(key, counter.subarray(0, 12), data, data);
        suite.hmacSha384(key)(data);
        suite.hmacSha256(key)(data);
        suite.sha256(data);
        expect([key, counter, data].map(encodeHex)).toEqual(before);
      }),
    );
  });

  it('gives each message of one prepared key its own fresh MAC', () => {
    const mac = suite.hmacSha384(utf8('key'));
    const first = mac(utf8('first'));
    const kept = encodeHex(first);
    const second = mac(utf8('second'));
    expect(encodeHex(first)).toBe(kept);
    expect(encodeHex(second)).toBe(encodeHex(suite.hmacSha384(utf8('key'))(utf8('second'))));
  });
});

describe('both suites', () => {
  it('give the same bytes for any input', () => {
    fc.assert(
      fc.property(bytesUpTo(200), bytesUpTo(300), (key, data) => {
        expect(encodeHex(nodeSuite.sha256(data))).toBe(encodeHex(nobleSuite.sha256(data)));
        expect(encodeHex(nodeSuite.hmacSha256(key)(data))).toBe(encodeHex(nobleSuite.hmacSha256(key)(data)));
        expect(encodeHex(nodeSuite.hmacSha384(key)(data))).toBe(encodeHex(nobleSuite.hmacSha384(key)(data)));
      }),
      { numRuns: 500 },
    );
  });

  it('carry the counter alike, also past its last block', () => {
    const full = new Uint8Array(16).fill(0xff);
    const low = new Uint8Array(16).fill(0xff, 12);
    const counters = fc.oneof(bytesOf(16), fc.constantFrom(full, low));
    fc.assert(
      fc.property(bytesOf(32), counters, bytesUpTo(200), (key, counter, data) => {
        const byNode = nodeSuite.aes256Ctr(key, counter, data);
        expect(encodeHex(byNode)).toBe(encodeHex(nobleSuite.aes256Ctr(key, counter, data)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('ES256', () => {
  it('verifies what it signed, and refuses other lengths, messages and keys', () => {
    const { privateKey, publicKey } = p256KeyPair();
    const signature = es256Signer(privateKey)(utf8('statement'));
    const verify = es256Verifier(publicKey);
    expect(signature.length).toBe(64);
    expect(verify(utf8('statement'), signature)).toBe(true);
    expect(verify(utf8('statemenT'), signature)).toBe(false);
    expect(verify(utf8('statement'), signature.subarray(0, 63))).toBe(false);
    expect(verify(utf8('statement'), new Uint8Array(65))).toBe(false);
    expect(verify(utf8('statement'), new Uint8Array(64))).toBe(false);
    expect(es256Verifier(p256KeyPair().publicKey)(utf8('statement'), signature)).toBe(false);
  });

  it('works with P-256 keys only: the algorithm never comes from the key', () => {
    expect(() => es256Verifier(generateKeyPairSync('ed25519').publicKey)).toThrow();
    expect(() => es256Verifier(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)).toThrow();
    expect(() => es256Signer(generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey)).toThrow();
  });

  it('agrees with Wycheproof on ecdsa_secp256r1_sha256_p1363', () => {
    interface Group {
      publicKeyPem: string;
    }
    const outcome = runWycheproof<Group, { msg: string; sig: string }>(
      'ecdsa_secp256r1_sha256_p1363.json',
      'es256Verifier',
      ({ msg, sig }, { publicKeyPem }) => {
        if (sig.length % 2 !== 0) return false;
        return es256Verifier(createPublicKey(publicKeyPem))(hex(msg), hex(sig));
      },
    );
    if (outcome !== null) expect(outcome).toEqual(agreement(173, 89));
  });
});

describe('Ed25519', () => {
  // RFC 8032 §7.1, TEST 2.
  const publicKey = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = hex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );

  it('verifies the signature of RFC 8032 §7.1, and no other length, message or key', () => {
    const verify = ed25519Verifier(publicKey);
    expect(verify(hex('72'), signature)).toBe(true);
    expect(verify(hex('73'), signature)).toBe(false);
    expect(verify(hex('72'), signature.subarray(0, 63))).toBe(false);
    expect(verify(hex('72'), concatBytes(signature, hex('00')))).toBe(false);
    expect(ed25519Verifier(exampleBytes('a key'))(hex('72'), signature)).toBe(false);
    expect(() => ed25519Verifier(publicKey.subarray(1))).toThrow();
  });

  it('agrees with Wycheproof on ed25519', () => {
    interface Group {
      publicKey: { pk: string };
    }
    const outcome = runWycheproof<Group, { msg: string; sig: string }>(
      'ed25519.json',
      'ed25519Verifier',
      ({ msg, sig }, { publicKey: { pk } }) => sig.length % 2 === 0 && ed25519Verifier(hex(pk))(hex(msg), hex(sig)),
    );
    if (outcome !== null) expect(outcome).toEqual(agreement(88, 63));
  });
});

describe('the outside vectors', () => {
  /** Where each file is used; x25519 is not: nothing here agrees on keys, TLS does. */
  const USED: Readonly<Record<string, string>> = {
    'aes_gcm.json': 'libs/backup/src/objects/aes-gcm.spec.ts',
    'aes_gcm_siv.json': 'here',
    'ecdsa_secp256r1_sha256_p1363.json': 'here',
    'ed25519.json': 'here',
    'hkdf_sha256.json': 'here, and libs/backup/src/keys.spec.ts',
    'hkdf_sha384.json': 'here',
    'hmac_sha256.json': 'here',
    'hmac_sha384.json': 'here',
    'x25519.json': 'nowhere',
  };

  it('are all used, or known not to be ours', () => {
    const files = outsideFiles('wycheproof');
    if (files !== null) expect(files).toEqual(Object.keys(USED));
    const paseto = outsideFiles('paseto');
    if (paseto !== null) expect(paseto).toEqual(['v3.json']);
  });
});

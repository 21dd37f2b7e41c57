// v3.local against PASETO's own vectors, against the npm package `paseto`, and against changes of every kind (B15).
import { createCipheriv, createSecretKey, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { V3 } from 'paseto';
import { describe, expect, it } from 'vitest';
import { exampleBytes } from '../../testing/examples.js';
import { outsideVectors } from '../../testing/outside-vectors.js';
import { decodeHex, encodeHex, utf8 } from '../bytes.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import {
  openV3Local,
  preAuthenticate,
  sealV3Local,
  splitV3Local,
  V3_LOCAL_NONCE_BYTES,
  V3LocalKey,
} from './v3-local.js';

interface PasetoVector {
  readonly name: string;
  readonly 'expect-fail': boolean;
  readonly key?: string;
  readonly nonce?: string;
  readonly token: string;
  readonly payload: string | null;
  readonly footer: string;
  readonly 'implicit-assertion': string;
}

const NOTHING = new Uint8Array(0);
const textOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

/** The AES key and first counter of a nonce under the example key, by node:crypto alone (Version3.md, Encrypt). */
function keyAndCounter(nonce: Uint8Array): { encryptionKey: Buffer; counter: Buffer } {
  const info = Buffer.concat([utf8('paseto-encryption-key'), nonce]);
  const derived = Buffer.from(hkdfSync('sha384', exampleBytes('v3.local key'), NOTHING, info, 48));
  return { encryptionKey: derived.subarray(0, 32), counter: derived.subarray(32) };
}

/**
 * Whether the npm package `paseto` (3.1.4, lib/help/crypto_worker.js) departs from AES-256-CTR on such a message: it gives
 * WebCrypto a counter of `length: 16`, which means bits, so the carry out of the last two bytes is lost. One token in
 * 65,536 for each block behind the first.
 */
function theirCounterWraps(nonce: Uint8Array, messageBytes: number): boolean {
  return keyAndCounter(nonce).counter.readUInt16BE(14) + Math.ceil(messageBytes / 16) > 0x10000;
}

describe.each([nodeSuite, nobleSuite])('v3.local on suite $name', (suite) => {
  const key = new V3LocalKey(exampleBytes('v3.local key'), suite);

  const summary = (used: number, outcome: string) =>
    console.info(`outside vectors, paseto v3.json through v3-local, ${suite.name}: ${used} used, ${outcome}`);

  function open(vector: PasetoVector): string | null {
    const parts = splitV3Local(vector.token);
    if (parts === null || textOf(parts.footer) !== vector.footer) return null;
    const vectorKey = new V3LocalKey(decodeHex(vector.key!)!, suite);
    return textOf(openV3Local(vectorKey, parts, utf8(vector['implicit-assertion'])));
  }

  it('seals and opens every 3-E vector of PASETO', () => {
    const vectors = outsideVectors<{ tests: PasetoVector[] }>('paseto/v3.json');
    const sealed = vectors?.tests.filter(({ name }) => name.startsWith('3-E-')) ?? [];
    if (vectors !== null) expect(sealed).toHaveLength(9);
    for (const vector of sealed) {
      const token = sealV3Local(new V3LocalKey(decodeHex(vector.key!)!, suite), utf8(vector.payload!), {
        footer: utf8(vector.footer),
        implicit: utf8(vector['implicit-assertion']),
        nonce: decodeHex(vector.nonce!)!,
      });
      expect(token, vector.name).toBe(vector.token);
      expect(open(vector), vector.name).toBe(vector.payload);
    }
    if (vectors !== null) summary(sealed.length, '0 valid refused');
  });

  it('refuses every 3-F vector of PASETO that comes with a symmetric key, and a local token taken for a public one', () => {
    const vectors = outsideVectors<{ tests: PasetoVector[] }>('paseto/v3.json');
    const failing = vectors?.tests.filter((vector) => vector['expect-fail']) ?? [];
    if (vectors !== null)
      expect(failing.map(({ name }) => name)).toEqual(['3-F-1', '3-F-2', '3-F-3', '3-F-4', '3-F-5']);
    for (const vector of failing) {
      // 3-F-1 is a local token for a reader of public ones: it has no symmetric key, so any key must fail on it.
      expect(open({ ...vector, key: vector.key ?? '00'.repeat(32) }), vector.name).toBeNull();
    }
    if (vectors !== null) summary(failing.length, '0 invalid accepted');
  });

  it('encodes pieces as the PAE examples of PASETO say', () => {
    expect(encodeHex(preAuthenticate([]))).toBe('0000000000000000');
    expect(encodeHex(preAuthenticate([NOTHING]))).toBe('01000000000000000000000000000000');
    expect(encodeHex(preAuthenticate([utf8('test')]))).toBe(
      `01000000000000000400000000000000${encodeHex(utf8('test'))}`,
    );
  });

  it('gives tokens that the npm package paseto decrypts, and opens what it encrypts', async () => {
    const theirKey = createSecretKey(exampleBytes('v3.local key'));
    await fc.assert(
      fc.asyncProperty(
        fc.json({ maxDepth: 1 }),
        fc.string({ maxLength: 40, unit: 'binary' }),
        fc.string({ maxLength: 40, unit: 'binary' }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        async (json, footer, implicit, nonce) => {
          const message = utf8(json);
          fc.pre(!theirCounterWraps(nonce, message.length));
          const ours = sealV3Local(key, message, { footer: utf8(footer), implicit: utf8(implicit), nonce });
          const decrypted = await V3.decrypt(ours, theirKey, { assertion: implicit, buffer: true });
          expect(decrypted.toString()).toBe(json);

          const theirs = await V3.encrypt(Buffer.from(message), theirKey, { footer, assertion: implicit });
          const parts = splitV3Local(theirs)!;
          expect(textOf(parts.footer)).toBe(footer);
          fc.pre(!theirCounterWraps(parts.payload.subarray(0, V3_LOCAL_NONCE_BYTES), message.length));
          expect(textOf(openV3Local(key, parts, utf8(implicit)))).toBe(json);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('carries the counter past its last 16 bits as OpenSSL does, where the npm package paseto does not', async () => {
    const nonce = decodeHex(`${'00'.repeat(30)}6d1c`)!;
    const { encryptionKey, counter } = keyAndCounter(nonce);
    expect(encodeHex(counter.subarray(14))).toBe('fffc');
    const message = utf8('four blocks and a half, the carry comes behind the fourth. '.padEnd(72, '.'));

    const ours = sealV3Local(key, message, { footer: NOTHING, implicit: NOTHING, nonce });
    const parts = splitV3Local(ours)!;
    const ciphertext = createCipheriv('aes-256-ctr', encryptionKey, counter).update(message);
    expect(encodeHex(parts.payload.subarray(32, 32 + 72))).toBe(encodeHex(ciphertext));
    expect(textOf(openV3Local(key, parts, NOTHING))).toBe(textOf(message));

    expect(theirCounterWraps(nonce, 64)).toBe(false);
    expect(theirCounterWraps(nonce, 65)).toBe(true);
    const theirKey = createSecretKey(exampleBytes('v3.local key'));
    const decrypted = await V3.decrypt(ours, theirKey, { buffer: true });
    expect(encodeHex(decrypted.subarray(0, 64))).toBe(encodeHex(message.subarray(0, 64)));
    expect(encodeHex(decrypted.subarray(64))).not.toBe(encodeHex(message.subarray(64)));
  });

  it('opens nothing when key, footer, implicit assertion or any one byte differs', () => {
    const extra = { footer: utf8('footer'), implicit: utf8('implicit'), nonce: exampleBytes('nonce') };
    const parts = splitV3Local(sealV3Local(key, utf8('message'), extra))!;
    expect(textOf(openV3Local(key, parts, extra.implicit))).toBe('message');
    expect(openV3Local(new V3LocalKey(exampleBytes('other key'), suite), parts, extra.implicit)).toBeNull();
    expect(openV3Local(key, parts, utf8('implicit.'))).toBeNull();
    expect(openV3Local(key, { ...parts, footer: utf8('footer.') }, extra.implicit)).toBeNull();
    for (let i = 0; i < parts.payload.length; i++) {
      const payload = Uint8Array.from(parts.payload, (byte, at) => (at === i ? byte ^ 0x80 : byte));
      expect(openV3Local(key, { ...parts, payload }, extra.implicit), `byte ${i}`).toBeNull();
    }
  });
});

describe('splitV3Local', () => {
  const key = new V3LocalKey(exampleBytes('v3.local key'), nodeSuite);
  const bare = sealV3Local(key, utf8('m'), { footer: NOTHING, implicit: NOTHING, nonce: exampleBytes('nonce') });
  const empty = sealV3Local(key, NOTHING, { footer: NOTHING, implicit: NOTHING, nonce: exampleBytes('nonce') });

  it('takes the shortest token, of an empty message, and none shorter', () => {
    expect(openV3Local(key, splitV3Local(empty)!, NOTHING)).toHaveLength(0);
    expect(splitV3Local(empty.slice(0, -4))).toBeNull();
  });

  it.each([
    ['another version', bare.replace('v3.', 'v4.')],
    ['another purpose', bare.replace('local', 'public')],
    ['upper case', bare.replace('v3', 'V3')],
    ['a space in front', ` ${bare}`],
    ['a line end behind', `${bare}\n`],
    ['padding', `${bare}=`],
    ['an empty footer', `${bare}.`],
    ['two footers', `${bare}.Zm9v.Zm9v`],
    ['a footer with padding', `${bare}.Zm8=`],
    ['nothing behind the header', 'v3.local.'],
    ['no text', ''],
  ])('refuses %s', (_, text) => {
    expect(splitV3Local(text)).toBeNull();
  });
});

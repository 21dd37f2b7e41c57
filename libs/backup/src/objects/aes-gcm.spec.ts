// The cipher of all chunks, and the way that their keys come about, against the tests that Project Wycheproof publishes.
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { agreement, runWycheproof } from '../../../protocol/testing/outside-vectors.js';
import { gcmOpen, gcmSealInto, TAG_BYTES } from './aes-gcm.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

function seal(input: { key: Buffer; nonce: Buffer; aad: Buffer }, plaintext: Buffer): Buffer {
  const target = Buffer.alloc(plaintext.length + TAG_BYTES + 2, 0xee);
  const { key, nonce, aad } = input;
  const written = gcmSealInto({ secret: createSecretKey(key), nonce, associatedData: aad }, plaintext, target, 1);
  // Nothing is written beside its place.
  expect([target[0], target.at(-1), written]).toEqual([0xee, 0xee, plaintext.length + TAG_BYTES]);
  return target.subarray(1, -1);
}

describe('AES-256-GCM', () => {
  it('agrees with Wycheproof on keys of 256, nonces of 96 and tags of 128 bits: we have no others', () => {
    interface Group {
      keySize: number;
      ivSize: number;
      tagSize: number;
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
      'aes_gcm.json',
      'gcmOpen and gcmSealInto',
      ({ key, iv, aad, msg, ct, tag }) => {
        const input = { secret: createSecretKey(hex(key)), nonce: hex(iv), associatedData: hex(aad) };
        if (gcmOpen(input, hex(ct + tag))?.toString('hex') !== msg) return false;
        return seal({ key: hex(key), nonce: hex(iv), aad: hex(aad) }, hex(msg)).toString('hex') === ct + tag;
      },
      ({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128,
    );
    if (outcome !== null) expect(outcome).toEqual(agreement(39, 27));
  });

  it('seals more than one piece as one message, and opens nothing that was changed or cut', () => {
    const key = Buffer.alloc(32, 1);
    const nonce = Buffer.alloc(12, 2);
    const plaintext = Buffer.from(Uint8Array.from({ length: 3 * 64 * 1024 + 5 }, (_, i) => i & 0xff));
    const sealed = seal({ key, nonce, aad: hex('aa') }, plaintext);
    const input = { secret: createSecretKey(key), nonce, associatedData: hex('aa') };
    expect(gcmOpen(input, sealed)!.equals(plaintext)).toBe(true);
    const memory = Buffer.alloc(plaintext.length + 1, 0xee);
    expect(gcmOpen(input, sealed, memory)!.equals(plaintext)).toBe(true);
    expect([memory.subarray(0, -1).equals(plaintext), memory.at(-1)]).toEqual([true, 0xee]);
    expect(() => gcmOpen(input, sealed, memory.subarray(2))).toThrow();
    for (const at of [0, 64 * 1024, plaintext.length, sealed.length - 1]) {
      expect(gcmOpen(input, Buffer.from(sealed.map((byte, i) => (i === at ? byte ^ 1 : byte))))).toBeNull();
    }
    // A tag of 4 bytes, which node would take if it were let: the message is cut behind it.
    for (const cut of [1, 12, 16]) expect(gcmOpen(input, sealed.subarray(0, -cut))).toBeNull();
    expect(gcmOpen(input, sealed.subarray(0, 15))).toBeNull();
    expect(gcmOpen({ ...input, associatedData: hex('ab') }, sealed)).toBeNull();
    expect(() => gcmOpen({ ...input, nonce: hex('00') }, sealed)).toThrow();
  });
});

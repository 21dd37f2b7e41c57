// Messages to neighbours (T6): one datagram, typed and versioned, tied by a task id; strangers can neither read nor make one.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHex,
  encodeBase64url,
  encodeHex,
  formatAlias,
  nobleSuite,
  nodeSuite,
  type PeerId,
  uuidV7,
} from '#protocol';
import { bytesOfAddress, textOfAddress } from './address-bytes.js';
import { decodeLanMessage, encodeLanMessage, LAN_METHODS, type LanMessage } from './lan-message.js';
import { openLanMessage, sealLanMessage } from './lan-message-codec.js';
import { LAN_DATAGRAM_BYTES_MAX, LAN_SUBJECTS_MAX } from './lan-rules.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const text = (length: number) => bytes(length).map(encodeBase64url);
const which = fc
  .uniqueArray(fc.integer({ min: 0, max: LAN_SUBJECTS_MAX - 1 }), { minLength: 1 })
  .map((positions) => positions.sort((a, b) => a - b));
const alias = fc
  .record({ address: fc.oneof(bytes(4), bytes(16)).map(textOfAddress), port: fc.integer({ min: 1, max: 65_535 }) })
  .map(formatAlias);
const head = fc.record({
  method: fc.constantFrom(...LAN_METHODS),
  taskId: text(16),
  senderId: fc.tuple(fc.integer({ min: 0, max: 2 ** 47 }), bytes(10)).map(([ms, random]) => uuidV7<PeerId>(ms, random)),
  timeMs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
});
const amounts = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 0, max: 2 ** 40 }))
  .map(([doneBytes, more]) => ({ doneBytes, totalBytes: doneBytes + more }));
const approval = fc.option(fc.string({ unit: fc.constantFrom(...'aZ09-_.'), minLength: 1, maxLength: 900 }));
const anyMessage: fc.Arbitrary<LanMessage> = head.chain((common) =>
  fc.oneof(
    fc
      .array(text(32), { minLength: 1, maxLength: LAN_SUBJECTS_MAX })
      .map((subjects): LanMessage => ({ type: 'need', ...common, subjects })),
    fc.record({ which, alias, approval }).map((body): LanMessage => ({ type: 'have', ...common, ...body })),
    which.map((positions): LanMessage => ({ type: 'found', ...common, which: positions })),
    fc
      .tuple(fc.constantFrom('downloading' as const, 'progress' as const), which, amounts)
      .map(([type, positions, done]): LanMessage => ({ type, ...common, which: positions, ...done })),
  ),
);
const anyKey = fc.record({ epoch: fc.integer({ min: 0, max: 2 ** 32 - 1 }), key: bytes(32) });

interface Vector {
  readonly epoch: number;
  readonly key: string;
  readonly nonce: string;
  readonly message: LanMessage;
  readonly datagram: string;
}
const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../../vectors/lan-message-v1.json', import.meta.url), 'utf8'),
);

describe('a message to neighbours (T6)', () => {
  it('comes back as it was, in one datagram, by either cryptography library', () => {
    fc.assert(
      fc.property(anyMessage, anyKey, bytes(12), (message, key, nonce) => {
        const datagram = sealLanMessage(nodeSuite, key, nonce, message);
        expect(datagram.length).toBeLessThanOrEqual(LAN_DATAGRAM_BYTES_MAX);
        expect(openLanMessage(nobleSuite, [key], datagram)).toEqual(message);
      }),
      { numRuns: 150 },
    );
  });

  it('is about 200 bytes, and at most 1,200', () => {
    const key = { epoch: 1, key: new Uint8Array(32) };
    const common = { method: 'get', taskId: encodeBase64url(new Uint8Array(16)), timeMs: 1 } as const;
    const senderId = uuidV7<PeerId>(1, new Uint8Array(10));
    const subject = encodeBase64url(new Uint8Array(32));
    const sizeOf = (message: LanMessage) => sealLanMessage(nodeSuite, key, new Uint8Array(12), message).length;
    expect(sizeOf({ type: 'need', ...common, senderId, subjects: [subject] })).toBe(108);
    expect(sizeOf({ type: 'need', ...common, senderId, subjects: new Array(32).fill(subject) })).toBe(1_100);
    expect(sizeOf({ type: 'found', ...common, senderId, which: [0] })).toBe(79);
  });

  it('with any byte changed, cut or made longer, does not open', () => {
    fc.assert(
      fc.property(
        anyMessage,
        anyKey,
        bytes(12),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (message, key, nonce, at, flip) => {
          const datagram = sealLanMessage(nodeSuite, key, nonce, message);
          const changed = Uint8Array.from(datagram);
          changed[at % changed.length]! ^= flip;
          expect(openLanMessage(nodeSuite, [key], changed)).toBeNull();
          expect(openLanMessage(nodeSuite, [key], datagram.subarray(0, at % datagram.length))).toBeNull();
          expect(openLanMessage(nodeSuite, [key], Uint8Array.from([...datagram, 0]))).toBeNull();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('with any one byte changed, whichever of them, does not open under any key that is known for another epoch', () => {
    const [vector] = vectors;
    const key = decodeHex(vector!.key)!;
    const keys = [0, 1, vector!.epoch, vector!.epoch ^ 1].map((epoch) => ({ epoch, key }));
    const datagram = decodeHex(vector!.datagram)!;
    for (let i = 0; i < datagram.length; i++) {
      const changed = Uint8Array.from(datagram);
      changed[i]! ^= 1;
      expect(openLanMessage(nodeSuite, keys, changed), `byte ${i}`).toBeNull();
    }
  });

  it('under another key, or of another epoch, does not open', () => {
    fc.assert(
      fc.property(anyMessage, anyKey, anyKey, bytes(12), (message, key, other, nonce) => {
        fc.pre(encodeHex(key.key) !== encodeHex(other.key) && key.epoch !== other.epoch);
        const datagram = sealLanMessage(nodeSuite, key, nonce, message);
        expect(openLanMessage(nodeSuite, [{ ...key, key: other.key }], datagram)).toBeNull();
        expect(openLanMessage(nodeSuite, [{ ...key, epoch: other.epoch }], datagram)).toBeNull();
        expect(openLanMessage(nodeSuite, [], datagram)).toBeNull();
      }),
      { numRuns: 50 },
    );
  });

  it('has one form: bytes that are read are the bytes that are written', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.integer({ min: 0, max: 255 }), (message, at, value) => {
        const plain = encodeLanMessage(message);
        plain[at % plain.length] = value;
        const read = decodeLanMessage(plain);
        if (read !== null) expect(encodeHex(encodeLanMessage(read))).toBe(encodeHex(plain));
      }),
      { numRuns: 500 },
    );
  });

  it('is what the golden vectors say', () => {
    expect(vectors.map(({ message }) => message.type)).toEqual([
      'need',
      'have',
      'have',
      'found',
      'downloading',
      'progress',
    ]);
    for (const { epoch, key, nonce, message, datagram } of vectors) {
      const sealing = { epoch, key: decodeHex(key)! };
      expect(encodeHex(sealLanMessage(nobleSuite, sealing, decodeHex(nonce)!, message))).toBe(datagram);
      expect(openLanMessage(nodeSuite, [sealing], decodeHex(datagram)!)).toEqual(message);
    }
  });
});

describe('an address in bytes', () => {
  it('is read in any text and written in one', () => {
    for (const [from, to] of [
      ['10.0.0.1', '10.0.0.1'],
      ['fe80::1', 'fe80::1'],
      ['FE80:0:0::0001', 'fe80::1'],
      ['::', '::'],
      ['::1', '::1'],
      ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
      ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
      ['1::', '1::'],
    ] as const)
      expect(textOfAddress(bytesOfAddress(from))).toBe(to);
  });
});

// The stored index: bytes as drawn, pieces of any length, refusals by code.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal, type ObjectId } from '#protocol';
import { encodeIndexedObject, encodeIndexHeader, IndexDecoder, type IndexedObject } from './index-codec.js';

const OBJECT = '01890a5d-ac96-774b-bcce-b302099a8057' as ObjectId;

const chunk = fc.record({
  chunkId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  offset: fc.nat(2 ** 27),
  storedBytes: fc.integer({ min: 1, max: 2 ** 27 }),
  rawBytes: fc.integer({ min: 1, max: 2 ** 28 }),
});
const indexed: fc.Arbitrary<IndexedObject> = fc.record({
  objectId: fc.uuid({ version: 7 }).map((text) => text as ObjectId),
  kind: fc.integer({ min: 1, max: 4 }),
  chunks: fc.array(chunk, { minLength: 1, maxLength: 6 }),
});
const index = fc.array(indexed, { maxLength: 6 });

function encode(objects: readonly IndexedObject[]): Buffer {
  return Buffer.concat([encodeIndexHeader(), ...objects.map(encodeIndexedObject)]);
}

function decode(bytes: Uint8Array, pieceBytes = Number.MAX_SAFE_INTEGER): IndexedObject[] {
  const decoder = new IndexDecoder();
  const objects: IndexedObject[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    objects.push(...decoder.push(bytes.subarray(at, at + pieceBytes)));
  decoder.end();
  return objects;
}

function refusal(bytes: Uint8Array): string {
  try {
    decode(bytes);
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the stored index', () => {
  const one = encode([
    {
      objectId: OBJECT,
      kind: 1,
      chunks: [{ chunkId: new Uint8Array(32).fill(0xab), offset: 80, storedBytes: 258, rawBytes: 3 }],
    },
  ]);

  it('has these bytes', () => {
    expect(one.toString('hex')).toBe(
      `504b494e4445580a00000001${OBJECT.replaceAll('-', '')}0100000000000001${'ab'.repeat(32)}000000500000010200000003`,
    );
  });

  it('gives every list back, in pieces of any length', () => {
    fc.assert(
      fc.property(index, fc.integer({ min: 1, max: 200 }), (objects, pieceBytes) => {
        expect(decode(encode(objects), pieceBytes)).toEqual(objects);
      }),
    );
  });

  it('accepts only its own bytes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(index, fc.nat(), fc.integer({ min: 0, max: 255 }), (objects, place, byte) => {
        const mutated = encode(objects);
        mutated[place % mutated.length] = byte;
        if (refusal(mutated) !== 'accepted') return;
        accepted += 1;
        expect(encode(decode(mutated)).equals(mutated)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  const changed = (at: number, hex: string) => {
    const bytes = Buffer.from(one);
    bytes.set(Buffer.from(hex, 'hex'), at);
    return bytes;
  };
  it.each([
    ['a later version', changed(8, '00000002'), 'format_unsupported'],
    ['version 0', changed(8, '00000000'), 'snapshot_damaged'],
    ['other magic', changed(0, '00'), 'snapshot_damaged'],
    ['an id that is no UUIDv7', changed(12 + 6, '47'), 'snapshot_damaged'],
    ['kind 0', changed(28, '00'), 'snapshot_damaged'],
    ['kind 5', changed(28, '05'), 'snapshot_damaged'],
    ['reserved bytes', changed(31, '01'), 'snapshot_damaged'],
    ['no chunks', changed(32, '00000000'), 'snapshot_damaged'],
    ['more chunks than fit, without waiting for them', changed(32, 'ffffffff'), 'snapshot_damaged'],
    ['a chunk beyond the largest object', changed(68, '0fffffff'), 'snapshot_damaged'],
    ['a chunk of no bytes', changed(72, '00000000'), 'snapshot_damaged'],
    ['a cut record', one.subarray(0, -1), 'snapshot_damaged'],
    ['a cut header', one.subarray(0, 11), 'snapshot_damaged'],
    ['no bytes', one.subarray(0, 0), 'snapshot_damaged'],
  ])('refuses %s', (_what, bytes, code) => {
    expect(refusal(bytes)).toBe(code);
  });
});

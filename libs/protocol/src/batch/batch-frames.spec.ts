// Frames of batches: what is written is read, in pieces of any size, and nothing else is.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../bytes.js';
import {
  BATCH_FRAME_BYTES_MAX,
  BATCH_FRAMES,
  type BatchFrame,
  BatchFrameReader,
  encodeBatchHead,
  encodeFrameHead,
} from './batch-frames.js';

function encode(frame: BatchFrame): Uint8Array {
  const payload = frame.kind === 'bytes' ? frame.bytes : utf8('text' in frame ? frame.text : '');
  return concatBytes(encodeFrameHead(frame.kind, payload.length), payload);
}

/** Item bytes may come in several frames' parts: joined where they follow one another. */
function joined(frames: readonly BatchFrame[]): unknown[] {
  const result: unknown[] = [];
  let bytes: Uint8Array | null = null;
  for (const frame of frames) {
    if (frame.kind === 'bytes') {
      bytes = concatBytes(bytes ?? new Uint8Array(), frame.bytes);
      continue;
    }
    if (bytes !== null && bytes.length > 0) result.push(Buffer.from(bytes).toString('hex'));
    bytes = null;
    result.push(frame);
  }
  if (bytes !== null && bytes.length > 0) result.push(Buffer.from(bytes).toString('hex'));
  return result;
}

const frameArbitrary: fc.Arbitrary<BatchFrame> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ kind: 'bytes' as const, bytes })),
  fc.constant({ kind: 'whole' as const }),
  fc.record({
    kind: fc.constantFrom('failed' as const, 'receipt' as const),
    text: fc.stringMatching(/^[a-z_.]{0,64}$/),
  }),
);

describe('frames', () => {
  it('come out as they went in, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frameArbitrary),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (frames, cuts) => {
          const stream = concatBytes(...frames.map(encode));
          const reader = new BatchFrameReader();
          const read: BatchFrame[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!;
            for (const frame of reader.read(stream.subarray(at, at + size))) read.push(frame);
            at += size;
          }
          expect(joined(read)).toEqual(joined(frames));
        },
      ),
    );
  });

  it.each([
    ['an unknown type', [4, 0, 0, 0, 0]],
    ['too long item bytes', [BATCH_FRAMES.bytes, 0, 0x10, 0, 1]],
    ['an end of an item that says something', [BATCH_FRAMES.whole, 0, 0, 0, 1]],
    ['a code that is too long', [BATCH_FRAMES.failed, 0, 0, 0, 65]],
    ['a receipt that is too long', [BATCH_FRAMES.receipt, 0x10, 0, 0, 0]],
  ])('are refused with %s', (_what, bytes) => {
    expect(() => [...new BatchFrameReader().read(Uint8Array.from(bytes))]).toThrow(
      expect.objectContaining({ code: 'request_invalid' }),
    );
  });

  it('have room for a MiB of an item', () => {
    expect([...encodeFrameHead('bytes', BATCH_FRAME_BYTES_MAX)]).toEqual([0, 0, 0x10, 0, 0]);
  });
});

describe('the head of a batch', () => {
  it('is the length and the text of the token', () => {
    expect(Buffer.from(encodeBatchHead('v3.x')).toString('hex')).toBe(`00000004${Buffer.from('v3.x').toString('hex')}`);
  });
});

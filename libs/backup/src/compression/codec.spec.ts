// Compression: round trips, when bytes are stored as they are, and frames that lie.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import zstd from 'zstd-napi/binding.js';
import { isRefusal } from '#protocol';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { CODEC_STORED, CODEC_ZSTD, compressedBytesBound, compressInto, decompress } from './codec.js';
import { looksRandom } from './entropy-probe.js';

function compress(plaintext: Uint8Array): { codec: number; body: Buffer } {
  const target = Buffer.alloc(3 + compressedBytesBound(plaintext.length));
  const { codec, sizeBytes } = compressInto(plaintext, target, 3);
  return { codec, body: target.subarray(3, 3 + sizeBytes) };
}

function zstdFrame(plaintext: Buffer): Buffer {
  const target = Buffer.alloc(zstd.compressBound(plaintext.length));
  return target.subarray(0, zstd.compress(target, plaintext, 3));
}

function refusalOf(codec: number, body: Buffer, rawBytes: number): string {
  try {
    decompress(codec, body, rawBytes);
  } catch (error) {
    return isRefusal(error) ? error.code : String(error);
  }
  return 'accepted';
}

const text = Buffer.from('all work and no play makes jack a dull boy\n'.repeat(5_000));

describe('compression', () => {
  it('gives back every plaintext, never longer than it was', () => {
    const pattern = fc.uint8Array({ minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(pattern, fc.integer({ min: 1, max: 200 }), (bytes, times) => {
        const plaintext = Buffer.concat(Array.from({ length: times }, () => bytes));
        const { codec, body } = compress(plaintext);
        expect(body.length).toBeLessThanOrEqual(plaintext.length);
        expect(decompress(codec, body, plaintext.length).equals(plaintext)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['text', text, CODEC_ZSTD],
    ['random bytes that are judged by their entropy', randomBytes(1_000_000), CODEC_STORED],
    ['random bytes too short to judge', randomBytes(1_000), CODEC_STORED],
    ['bytes that win nothing', Buffer.from('x'), CODEC_STORED],
    ['seven bits of eight', randomBytes(100_000).map((byte) => byte & 0x7f), CODEC_ZSTD],
  ])('takes the right codec for %s', (_, plaintext, codec) => {
    expect(compress(plaintext).codec).toBe(codec);
  });

  it('judges by samples from end to end, so a random start does not hide text', () => {
    expect(looksRandom(randomBytes(1_000_000))).toBe(true);
    expect(looksRandom(Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000, 'text')]))).toBe(false);
    expect(looksRandom(Buffer.concat([Buffer.alloc(700_000, 'text'), randomBytes(300_000)]))).toBe(false);
  });

  const frame = zstdFrame(text);
  it.each([
    ['a frame that is longer than recorded (a bomb)', CODEC_ZSTD, zstdFrame(Buffer.alloc(CHUNK_BYTES_MAX * 16)), 1_000],
    ['a frame that is shorter than recorded', CODEC_ZSTD, frame, text.length + 1],
    ['two frames for one', CODEC_ZSTD, Buffer.concat([frame, frame]), text.length],
    ['a truncated frame', CODEC_ZSTD, frame.subarray(0, -1), text.length],
    ['bytes behind the frame', CODEC_ZSTD, Buffer.concat([frame, Buffer.of(0)]), text.length],
    ['no frame', CODEC_ZSTD, Buffer.alloc(0), 1],
    ['stored bytes of another length', CODEC_STORED, text, text.length - 1],
    ['an unknown codec', 2, text, text.length],
  ])('refuses %s', (_, codec, body, rawBytes) => {
    expect(refusalOf(codec, body, rawBytes)).toBe('object_damaged');
  });
});

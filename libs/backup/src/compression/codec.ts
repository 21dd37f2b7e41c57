// Compression of one chunk behind a codec id: 0 = stored as it is, 1 = one zstd frame.
import { strict as assert } from 'node:assert';
import zstd from 'zstd-napi/binding.js';
import { ProtocolError } from '#protocol';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { looksRandom } from './entropy-probe.js';

export const CODEC_STORED = 0;
export const CODEC_ZSTD = 1;
export type CodecId = typeof CODEC_STORED | typeof CODEC_ZSTD;

const ZSTD_LEVEL = 3;
// Compressed bytes cost time at every restore: below 3 % saved they are not worth it.
const WORTH_RATIO_MAX = 0.97;

const compressor = new zstd.CCtx();
const decompressor = new zstd.DCtx();

/** How much room compressInto needs behind `offset` for a plaintext of this size, whatever its content. */
export function compressedBytesBound(rawBytes: number): number {
  return zstd.compressBound(rawBytes);
}

/**
 * Write the shorter form of a plaintext into `target` at `offset`, without a copy in between.
 *
 * target    has compressedBytesBound(plaintext.length) bytes from `offset`; those behind the result may be overwritten
 * returns   the codec and the bytes written, never more than plaintext.length
 */
export function compressInto(
  plaintext: Uint8Array,
  target: Buffer,
  offset: number,
): { codec: CodecId; sizeBytes: number } {
  const room = target.subarray(offset);
  assert(room.length >= compressedBytesBound(plaintext.length));
  if (!looksRandom(plaintext)) {
    const sizeBytes = compressor.compress(room, plaintext, ZSTD_LEVEL);
    if (sizeBytes <= plaintext.length * WORTH_RATIO_MAX) return { codec: CODEC_ZSTD, sizeBytes };
  }
  room.set(plaintext);
  return { codec: CODEC_STORED, sizeBytes: plaintext.length };
}

/**
 * Undo compressInto. Never allocates or writes more than `rawBytes`, whatever the frame claims (decompression bombs).
 *
 * codec     the byte found in front of the chunk
 * body      the bytes behind it; with codec 0 the result is a view of them
 * rawBytes  what the directory recorded, at most CHUNK_BYTES_MAX
 * memory    where the result of codec 1 goes, if there is room; without it, into fresh memory
 * throws    object_damaged when codec, frame or length are not right
 */
export function decompress(codec: number, body: Buffer, rawBytes: number, memory?: Buffer): Buffer {
  assert(rawBytes <= CHUNK_BYTES_MAX);
  if (codec === CODEC_STORED) {
    if (body.length !== rawBytes) throw new ProtocolError('object_damaged', { reason: 'length' });
    return body;
  }
  if (codec !== CODEC_ZSTD) throw new ProtocolError('object_damaged', { reason: 'codec' });
  const plaintext = memory === undefined ? Buffer.allocUnsafe(rawBytes) : memory.subarray(0, rawBytes);
  assert.equal(plaintext.length, rawBytes);
  if (inflateZstd(plaintext, body) !== rawBytes) throw new ProtocolError('object_damaged', { reason: 'length' });
  return plaintext;
}

function inflateZstd(target: Buffer, frame: Buffer): number {
  try {
    return decompressor.decompress(target, frame);
  } catch (cause) {
    // zstd refuses frames that are malformed or longer than the target.
    throw new ProtocolError('object_damaged', { reason: 'frame' }, { cause });
  }
}

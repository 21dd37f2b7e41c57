// A cheap guess at whether bytes are worth compressing: the order-0 entropy of a few samples.

const SAMPLES = 8;
const SAMPLE_BYTES = 2048;
// Huffman coding alone saves under 1.3 % above this; media, archives and encrypted files lie above it.
const ENTROPY_BITS_MAX = 7.9;

/**
 * True when the bytes look random (media, archives, ciphertext), so that compressing them would waste time. Pure.
 * Short inputs are never called random: compressing them costs less than judging them.
 *
 * source   Shannon's entropy of the byte histogram; 16 KiB of uniform bytes measure about 7.99 bits
 */
export function looksRandom(bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLES * SAMPLE_BYTES) return false;
  const counts = new Uint32Array(256);
  const stride = Math.floor((bytes.length - SAMPLE_BYTES) / (SAMPLES - 1));
  for (let sample = 0; sample < SAMPLES; sample++) {
    const start = sample * stride;
    for (let i = start; i < start + SAMPLE_BYTES; i++) counts[bytes[i]!]!++;
  }
  return entropyBits(counts, SAMPLES * SAMPLE_BYTES) > ENTROPY_BITS_MAX;
}

function entropyBits(counts: Uint32Array, total: number): number {
  let sum = 0;
  for (const count of counts) if (count > 0) sum += count * Math.log2(count);
  return Math.log2(total) - sum / total;
}

// A set of content ids in few bits: what is in it is always found, and of what is not, a small share seems to be (Bloom). Pure.
import { strict as assert } from 'node:assert';
import { decodeBase64url } from '../bytes.js';
import type { CryptoSuite } from '../crypto/suite.js';
import { KEEP_FILTER_BITS_MIN, KEEP_FILTER_BYTES_MAX, KEEP_FILTER_HASHES_MAX } from '../limits.js';
import type { ContentId } from '../messages/fields.js';

export interface FilterShape {
  /** A multiple of 8. */
  readonly bits: number;
  /** Bits that each content id sets. */
  readonly hashes: number;
}

/**
 * The smallest filter of so many content ids of which a share of `falsePositives` of all others seems to be in it:
 * m = -n ln p / (ln 2)², k = m / n · ln 2.
 *
 * returns  null when it would be larger than one part may be
 * source   B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13 (1970); the formulas as in
 *          Mitzenmacher and Upfal, Probability and Computing, §5.5.3
 */
export function filterShape(count: number, falsePositives: number): FilterShape | null {
  const n = Math.max(1, count);
  const least = Math.ceil((-n * Math.log(falsePositives)) / Math.LN2 ** 2);
  const bits = Math.max(KEEP_FILTER_BITS_MIN, Math.ceil(least / 8) * 8);
  if (bits > KEEP_FILTER_BYTES_MAX * 8) return null;
  const hashes = Math.min(KEEP_FILTER_HASHES_MAX, Math.max(1, Math.round((bits / n) * Math.LN2)));
  return { bits, hashes };
}

/** Bits of a content id follow from SHA-256(seed ‖ content id), so that each seed mistakes other content ids. */
export class BloomFilter {
  private readonly message: Uint8Array;

  private constructor(
    private readonly suite: Pick<CryptoSuite, 'sha256'>,
    private readonly seed: Uint8Array,
    private readonly hashes: number,
    readonly bytes: Uint8Array,
  ) {
    this.message = new Uint8Array(seed.length + CONTENT_ID_BYTES);
    this.message.set(seed);
  }

  static empty(suite: Pick<CryptoSuite, 'sha256'>, { bits, hashes }: FilterShape, seed: Uint8Array): BloomFilter {
    assert(bits > 0 && bits % 8 === 0);
    return new BloomFilter(suite, seed, hashes, new Uint8Array(bits / 8));
  }

  static of(
    suite: Pick<CryptoSuite, 'sha256'>,
    filter: { readonly bytes: Uint8Array; readonly hashes: number; readonly seed: Uint8Array },
  ): BloomFilter {
    assert(filter.bytes.length > 0);
    return new BloomFilter(suite, filter.seed, filter.hashes, filter.bytes);
  }

  /** Returns whether it was not in the filter before, as far as the filter can tell. */
  add(cid: ContentId): boolean {
    let isNew = false;
    for (const bit of this.bitsOf(cid)) {
      const mask = 1 << (bit & 7);
      if ((this.bytes[bit >> 3]! & mask) !== 0) continue;
      this.bytes[bit >> 3]! |= mask;
      isNew = true;
    }
    return isNew;
  }

  has(cid: ContentId): boolean {
    return this.bitsOf(cid).every((bit) => (this.bytes[bit >> 3]! & (1 << (bit & 7))) !== 0);
  }

  /**
   * How many content ids set the bits that are set: n* = -m/k · ln(1 - X/m), for X of m bits. Infinity when all are set.
   *
   * source   Swamidass and Baldi, "Mathematical correction for fingerprint similarity measures", J. Chem. Inf. Model. 47
   *          (2007)
   */
  estimate(): number {
    const bits = this.bytes.length * 8;
    let set = 0;
    for (const byte of this.bytes) set += ONES[byte]!;
    return (-bits / this.hashes) * Math.log(1 - set / bits);
  }

  /**
   * Two words of the hash make all positions: h1 + i · h2 mod m, which mistakes no more than independent ones do.
   *
   * source   Kirsch and Mitzenmacher, "Less hashing, same performance", ESA 2006
   */
  private bitsOf(cid: ContentId): number[] {
    const content = decodeBase64url(cid);
    assert(content?.length === CONTENT_ID_BYTES);
    this.message.set(content, this.seed.length);
    const hash = this.suite.sha256(this.message);
    const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
    const first = view.getUint32(0);
    // Odd, so that no two of the positions fall together when the number of bits is a power of two.
    const step = view.getUint32(4) | 1;
    const bits = this.bytes.length * 8;
    // `|` makes a signed number of it.
    return Array.from({ length: this.hashes }, (_, i) => (first + i * (step >>> 0)) % bits);
  }
}

const CONTENT_ID_BYTES = 32;

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

// Reed-Solomon k of n over GF(2^8): systematic, deterministic, and any k shards give all n.
import { strict as assert } from 'node:assert';
import { ProtocolError, SHARDS_PER_OBJECT_MAX } from '#protocol';
import { GF256_SIZE } from './gf256.js';
import { arrangePasses, combine, type Pass } from './gf256-kernel.js';
import { interpolationRows } from './interpolation-rows.js';

// A shard's number is its point in the field.
assert(SHARDS_PER_OBJECT_MAX <= GF256_SIZE);

/**
 * One code. Shards 0 .. k-1 are the data, unchanged; shards k .. n-1 are parity, as interpolation-rows.ts defines them.
 * Byte t of every shard depends only on byte t of the others, so a caller may code long shards range by range. Calls are
 * synchronous: one core codes about a gigabyte of data a second at 20 of 30.
 *
 * The sizes are our own or were checked at the edge; wrong ones are an AssertionError.
 */
export class ReedSolomon {
  readonly #parityPasses: readonly Pass[];

  /** dataShards k and totalShards n, 1 <= k <= n <= SHARDS_PER_OBJECT_MAX. With k = n there is no parity. */
  constructor(
    readonly dataShards: number,
    readonly totalShards: number,
  ) {
    assert(Number.isInteger(dataShards));
    assert(Number.isInteger(totalShards));
    assert(dataShards >= 1);
    assert(dataShards <= totalShards);
    assert(totalShards <= SHARDS_PER_OBJECT_MAX);
    const sources = countFrom(0, dataShards);
    const parity = countFrom(dataShards, totalShards);
    this.#parityPasses = arrangePasses(interpolationRows(sources, parity));
  }

  get parityShards(): number {
    return this.totalShards - this.dataShards;
  }

  /**
   * Fill the parity shards.
   *
   * data    k shards of equal length (any length, zero too); views are fine
   * parity  n-k buffers of that length, overlapping neither the data nor each other
   */
  encode(data: readonly Uint8Array[], parity: readonly Uint8Array[]): void {
    assert(data.length === this.dataShards);
    assert(parity.length === this.parityShards);
    combine(data, this.#parityPasses, parity);
  }

  /**
   * Rebuild shards, data or parity, from any k others. What is rebuilt is right only if what is given is: check shards
   * against their content ids before, and rebuilt ones after.
   *
   * shards   n places in order, null where a shard is missing; the present ones of equal length
   * wanted   different shard numbers, 0 .. n-1
   * returns  the wanted shards in the order of `wanted`: the given one where it is present, else a new one
   * throws   object_unavailable when a wanted shard is missing and fewer than k are present
   */
  reconstruct(shards: readonly (Uint8Array | null)[], wanted: readonly number[]): Uint8Array[] {
    assert(shards.length === this.totalShards);
    assert(new Set(wanted).size === wanted.length);
    for (const number of wanted) assert(number in shards);
    const missing = wanted.filter((number) => shards[number] === null);
    const present = countFrom(0, this.totalShards).filter((number) => shards[number] !== null);
    if (missing.length > 0 && present.length < this.dataShards) {
      throw new ProtocolError('object_unavailable', { present: present.length, needed: this.dataShards });
    }

    const lengthBytes = present.length === 0 ? 0 : shards[present[0]!]!.length;
    for (const number of present) assert(shards[number]!.length === lengthBytes);
    const rebuilt = new Map(missing.map((number) => [number, new Uint8Array(lengthBytes)]));
    if (missing.length > 0) {
      const sources = present.slice(0, this.dataShards);
      const passes = arrangePasses(interpolationRows(sources, missing));
      combine(
        sources.map((number) => shards[number]!),
        passes,
        [...rebuilt.values()],
      );
    }
    return wanted.map((number) => shards[number] ?? rebuilt.get(number)!);
  }
}

function countFrom(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}

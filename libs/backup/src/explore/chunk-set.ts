// A set of chunks that the index of this machine knows, one bit each: a million chunks are 125 kB.
import { decodeBase64url } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import type { ChunkEntry } from '../objects/object-codec.js';

export class ChunkSet {
  private readonly bits: Uint8Array;

  /** The index must not grow while the set is in use. */
  constructor(private readonly index: ChunkIndex) {
    this.bits = new Uint8Array(Math.ceil(index.positions / 8));
  }

  has(id: string): boolean {
    const position = this.positionOf(id);
    return position !== null && this.holds(position);
  }

  /**
   * Returns where the chunk lies when it is new to the set; null when it was there already, and for a chunk that no
   * stored object has: `check` tells of those.
   */
  add(id: string): ChunkEntry | null {
    const position = this.positionOf(id);
    if (position === null || this.holds(position)) return null;
    const location = this.index.get(decodeBase64url(id)!);
    if (location === undefined) return null;
    this.bits[position >> 3]! |= 1 << (position & 7);
    return location.entry;
  }

  /** The chunks of this set that the other one lacks. Both are of the same index. */
  forEachNotIn(other: ChunkSet, use: (entry: ChunkEntry) => void): void {
    for (let byte = 0; byte < this.bits.length; byte++) {
      const only = this.bits[byte]! & ~other.bits[byte]!;
      for (let bit = 0; only >> bit > 0; bit++) {
        if ((only & (1 << bit)) !== 0) use(this.index.entryAt(byte * 8 + bit));
      }
    }
  }

  private holds(position: number): boolean {
    return (this.bits[position >> 3]! & (1 << (position & 7))) !== 0;
  }

  private positionOf(id: string): number | null {
    const chunkId = decodeBase64url(id);
    return chunkId === null ? null : this.index.positionOf(chunkId);
  }
}

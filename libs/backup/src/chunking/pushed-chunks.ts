// Cuts bytes that are pushed, not pulled, into chunks at the same places as Chunker would.
import { CHUNK_BYTES_MAX } from '../limits.js';
import { findChunkEnd, type GearTable } from './fastcdc.js';

/** What becomes of a chunk: it is stored, and its id comes back as text. */
export type StoreChunk = (plaintext: Buffer) => Promise<string>;

/** One stream. Holds back less than CHUNK_BYTES_MAX and one piece. */
export class PushedChunks {
  private pieces: Uint8Array[] = [];
  private heldBytes = 0;
  private readonly ids: string[] = [];

  constructor(
    private readonly gear: GearTable,
    private readonly store: StoreChunk,
  ) {}

  /** The piece must not change afterwards. */
  async push(piece: Uint8Array): Promise<void> {
    this.pieces.push(piece);
    this.heldBytes += piece.length;
    // A boundary is decided with CHUNK_BYTES_MAX in sight, as findChunkEnd asks.
    if (this.heldBytes >= CHUNK_BYTES_MAX) await this.cut(CHUNK_BYTES_MAX);
  }

  /** No byte follows; returns the ids of all chunks in order. An empty stream has none. */
  async end(): Promise<string[]> {
    await this.cut(1);
    return this.ids;
  }

  /** Cut chunks off the front while at least `sightBytes` are held. */
  private async cut(sightBytes: number): Promise<void> {
    const held = Buffer.concat(this.pieces, this.heldBytes);
    let start = 0;
    while (held.length - start >= sightBytes) {
      const end = findChunkEnd(this.gear, held, start, held.length);
      this.ids.push(await this.store(held.subarray(start, end)));
      start = end;
    }
    this.pieces = [held.subarray(start)];
    this.heldBytes = held.length - start;
  }
}

// Cuts a stream of bytes into chunks, in one buffer of bounded size that is used again for the next stream.
import { strict as assert } from 'node:assert';
import { CHUNK_BUFFER_BYTES, CHUNK_BYTES_MAX } from '../limits.js';
import { CutBuffer } from './cut-kernel.js';
import { expandGearTable } from './fastcdc.js';

/** Read up to `length` bytes into `target` at `offset`; resolves to how many came, 0 at the end (as FileHandle.read). */
export type ReadBytes = (target: Buffer, offset: number, length: number) => Promise<number>;

/**
 * One chunker of one key. It owns CHUNK_BUFFER_BYTES of memory whatever the size of the files, and cuts one stream at a
 * time; take several chunkers to cut several streams at once.
 */
export class Chunker {
  private readonly cutting: CutBuffer;
  private busy = false;

  constructor(chunkerKey: Uint8Array) {
    this.cutting = new CutBuffer(expandGearTable(chunkerKey), CHUNK_BUFFER_BYTES);
  }

  /**
   * The chunks of one stream, in order; their lengths sum to the stream's. An empty stream has none. Boundaries do not
   * depend on how many bytes each read brings.
   *
   * yields   views into the chunker's buffer, valid until the next chunk is asked for
   * throws   whatever `read` throws
   */
  async *chunks(read: ReadBytes): AsyncGenerator<Buffer, void, undefined> {
    assert(!this.busy);
    this.busy = true;
    const { bytes: buffer } = this.cutting;
    try {
      let start = 0;
      let end = 0;
      let ended = false;
      for (;;) {
        if (!ended && end - start < CHUNK_BYTES_MAX) {
          buffer.copyWithin(0, start, end);
          end -= start;
          start = 0;
          end = await this.fill(read, end);
          ended = end < buffer.length;
        }
        if (start === end) return;
        const chunkEnd = this.cutting.findChunkEnd(start, end);
        yield buffer.subarray(start, chunkEnd);
        start = chunkEnd;
      }
    } finally {
      this.busy = false;
    }
  }

  /** Read until the buffer is full or the stream ends; returns where the bytes end. Short of full means ended. */
  private async fill(read: ReadBytes, from: number): Promise<number> {
    const { bytes: buffer } = this.cutting;
    let end = from;
    while (end < buffer.length) {
      const room = buffer.length - end;
      const bytesRead = await read(buffer, end, room);
      assert(Number.isInteger(bytesRead) && bytesRead >= 0 && bytesRead <= room);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    return end;
  }
}

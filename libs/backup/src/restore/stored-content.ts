// Compares what a file on this disk holds with the chunks that a snapshot has of it.
import { read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { identifyChunk } from '../chunking/chunk-id.js';
import { SMALL_FILE_BYTES_MAX } from '../files/file-limits.js';
import { onDisk, onDiskAsync } from '../files/restore-failure.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import { type ChunkEntry, hasPossibleSizes } from '../objects/object-codec.js';
import type { FileEntry } from '../trees/tree-codec.js';

const readAsync = promisify(read);

export class StoredContent {
  constructor(
    private readonly keys: Pick<DataKeys, 'chunkIdKey'>,
    private readonly trees: TreeReader,
  ) {}

  /**
   * The bytes of a chunk, if an open file has exactly these at an offset.
   *
   * chunk    as the index has it; its id was looked for, its sizes are the index's word
   * throws   local_disk
   */
  async findAt(descriptor: number, offset: number, chunk: ChunkEntry): Promise<Buffer | null> {
    if (!hasPossibleSizes(chunk)) return null;
    const bytes = await readAt(descriptor, offset, chunk.rawBytes);
    if (bytes.length < chunk.rawBytes) return null;
    const isIt = Buffer.compare(identifyChunk(this.keys.chunkIdKey, bytes).chunkId, chunk.chunkId) === 0;
    return isIt ? bytes : null;
  }

  /**
   * Does an open file have all the bytes of an entry? Whether it has more is not looked at.
   *
   * throws   local_disk | as a loss of data does, when the list of its chunks cannot be read
   */
  async isWhole(descriptor: number, entry: FileEntry, signal: AbortSignal): Promise<boolean> {
    let offset = 0;
    for await (const id of this.trees.contentOf(entry, signal)) {
      const { entry: chunk } = this.trees.locate(id);
      if ((await this.findAt(descriptor, offset, chunk)) === null) return false;
      offset += chunk.rawBytes;
    }
    return offset === entry.sizeBytes;
  }
}

/** Fewer bytes than `length` at the end of the file. throws local_disk */
export async function readAt(descriptor: number, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const got =
      length <= SMALL_FILE_BYTES_MAX
        ? onDisk(() => readSync(descriptor, bytes, done, length - done, offset + done))
        : (await onDiskAsync(() => readAsync(descriptor, bytes, done, length - done, offset + done))).bytesRead;
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

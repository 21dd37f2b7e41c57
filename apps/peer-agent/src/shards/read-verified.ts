// Reads a shard from disk and gives out only blocks whose hash is in the tree of its content id (B18).
import { BLOCK_BYTES, ProtocolError, type TokenItem } from '#protocol';
import { DISK_BATCH_BYTES } from '../limits.js';
import type { ReadableShard, ShardFiles } from './shard-files.js';
import { blocksHold, hashesSizeBytes, readHashes, shardFileSizeBytes } from './shard-layout.js';

export type EmitBytes = (batch: Uint8Array) => Promise<void>;

/**
 * Emit the shard in batches of whole blocks, the next one being read while one is emitted.
 *
 * throws   shard_corrupt (also when the file is missing, short or unreadable: its row says that it is here);
 *          what emit throws
 */
export async function readVerified(files: ShardFiles, path: string, item: TokenItem, emit: EmitBytes): Promise<void> {
  const shard = await orCorrupt(files.openToRead(path));
  try {
    const hashes = await readTree(shard, item);
    const buffers = [Buffer.allocUnsafe(batchBytes(item)), Buffer.allocUnsafe(batchBytes(item))] as const;
    let reading = readBatch(shard, item, buffers[0], 0);
    for (let offset = 0, turn = 1; offset < item.sizeBytes; offset += DISK_BATCH_BYTES, turn ^= 1) {
      const batch = await reading;
      if (!blocksHold(batch, hashes, offset / BLOCK_BYTES)) throw new ProtocolError('shard_corrupt', { offset });
      const next = offset + DISK_BATCH_BYTES;
      if (next < item.sizeBytes) reading = readBatch(shard, item, buffers[turn]!, next);
      // It may fail while the peer is slow to take the batch before; the next turn hears of it, the process must not.
      reading.catch(() => undefined);
      try {
        await emit(batch);
      } catch (error) {
        await Promise.allSettled([reading]);
        throw error;
      }
    }
  } finally {
    await shard.close();
  }
}

async function readTree(shard: ReadableShard, item: TokenItem): Promise<readonly Uint8Array[]> {
  const bytes = Buffer.allocUnsafe(hashesSizeBytes(item.sizeBytes));
  const isWhole =
    shard.sizeBytes === shardFileSizeBytes(item.sizeBytes) && (await orCorrupt(shard.read(bytes, item.sizeBytes)));
  const hashes = isWhole ? readHashes(bytes, item.cid) : null;
  if (hashes === null) throw new ProtocolError('shard_corrupt', { offset: item.sizeBytes });
  return hashes;
}

async function readBatch(shard: ReadableShard, item: TokenItem, buffer: Buffer, offset: number): Promise<Uint8Array> {
  const batch = buffer.subarray(0, Math.min(buffer.length, item.sizeBytes - offset));
  if (!(await orCorrupt(shard.read(batch, offset)))) throw new ProtocolError('shard_corrupt', { offset });
  return batch;
}

function batchBytes(item: TokenItem): number {
  return Math.min(DISK_BATCH_BYTES, item.sizeBytes);
}

async function orCorrupt<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new ProtocolError('shard_corrupt', {}, { cause: error });
  }
}

// Reads a shard from disk and gives out only blocks whose hash is in the tree of its content id (B18).
import { BLOCK_BYTES, type BlockTree, ProtocolError, type TokenItem } from '#protocol';
import { DISK_BATCH_BYTES } from '../limits.js';
import type { ReadableShard, ShardFiles } from './shard-files.js';
import { blocksHold, hashesSizeBytes, readTree, shardFileSizeBytes } from './shard-layout.js';

export type EmitBytes = (batch: Uint8Array) => Promise<void>;

/** Bytes `start` to `end` of a shard, `end` not included; at least one. */
export interface ShardPart {
  readonly start: number;
  readonly end: number;
  /** Hears the tree of the shard before a byte is emitted. */
  readonly onTree?: (tree: BlockTree) => void;
}

/**
 * Emit a part of the shard in batches, the next one being read while one is emitted. Blocks that lie in the part only
 * partly are read and verified whole.
 *
 * throws   shard_corrupt (also when the file is missing, short or unreadable: its row says that it is here);
 *          what emit throws
 */
export async function readVerified(
  files: ShardFiles,
  path: string,
  item: TokenItem,
  emit: EmitBytes,
  part: ShardPart = { start: 0, end: item.sizeBytes },
): Promise<void> {
  await withShard(files, path, item, async (shard, tree) => {
    part.onTree?.(tree);
    const from = part.start - (part.start % BLOCK_BYTES);
    const to = Math.min(item.sizeBytes, Math.ceil(part.end / BLOCK_BYTES) * BLOCK_BYTES);
    const bufferBytes = Math.min(DISK_BATCH_BYTES, to - from);
    const buffers = [Buffer.allocUnsafe(bufferBytes), Buffer.allocUnsafe(bufferBytes)] as const;
    const readAt = (offset: number, buffer: Buffer): Promise<Uint8Array> =>
      readBytes(shard, buffer.subarray(0, Math.min(buffer.length, to - offset)), offset);
    let reading = readAt(from, buffers[0]);
    for (let offset = from, turn = 1; offset < to; offset += DISK_BATCH_BYTES, turn ^= 1) {
      const batch = await reading;
      if (!blocksHold(batch, tree[0]!, offset / BLOCK_BYTES)) throw new ProtocolError('shard_corrupt', { offset });
      const next = offset + DISK_BATCH_BYTES;
      if (next < to) reading = readAt(next, buffers[turn]!);
      // It may fail while the peer is slow to take the batch before; the next turn hears of it, the process must not.
      reading.catch(() => undefined);
      try {
        await emit(batch.subarray(Math.max(0, part.start - offset), part.end - offset));
      } catch (error) {
        await Promise.allSettled([reading]);
        throw error;
      }
    }
  });
}

/**
 * Some blocks of the shard, each of them verified, and the tree that proves them.
 *
 * blocks   numbers of blocks that the shard has
 * throws   shard_corrupt
 */
export async function readBlocks(
  files: ShardFiles,
  path: string,
  item: TokenItem,
  blocks: readonly number[],
): Promise<{ readonly tree: BlockTree; readonly data: readonly Uint8Array[] }> {
  return withShard(files, path, item, async (shard, tree) => {
    const data: Uint8Array[] = [];
    for (const block of blocks) {
      const offset = block * BLOCK_BYTES;
      const bytes = await readBytes(shard, Buffer.alloc(Math.min(BLOCK_BYTES, item.sizeBytes - offset)), offset);
      if (!blocksHold(bytes, tree[0]!, block)) throw new ProtocolError('shard_corrupt', { offset });
      data.push(bytes);
    }
    return { tree, data };
  });
}

async function withShard<T>(
  files: ShardFiles,
  path: string,
  item: TokenItem,
  work: (shard: ReadableShard, tree: BlockTree) => Promise<T>,
): Promise<T> {
  const shard = await orCorrupt(files.openToRead(path));
  try {
    return await work(shard, await treeOf(shard, item));
  } finally {
    await shard.close();
  }
}

async function treeOf(shard: ReadableShard, item: TokenItem): Promise<BlockTree> {
  const bytes = Buffer.allocUnsafe(hashesSizeBytes(item.sizeBytes));
  const isWhole =
    shard.sizeBytes === shardFileSizeBytes(item.sizeBytes) && (await orCorrupt(shard.read(bytes, item.sizeBytes)));
  const tree = isWhole ? readTree(bytes, item.cid) : null;
  if (tree === null) throw new ProtocolError('shard_corrupt', { offset: item.sizeBytes });
  return tree;
}

async function readBytes(shard: ReadableShard, target: Uint8Array, offset: number): Promise<Uint8Array> {
  if (!(await orCorrupt(shard.read(target, offset)))) throw new ProtocolError('shard_corrupt', { offset });
  return target;
}

async function orCorrupt<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new ProtocolError('shard_corrupt', {}, { cause: error });
  }
}

// Shards on disk: temp file, fsync, rename, fsync of the folder; and back, each block verified before it leaves.
import type { Readable } from 'node:stream';
import { type BlockTree, type ContentId, isRefusal, ProtocolError, type TokenItem } from '#protocol';
import type { ClaimedItem } from '../tokens/replay-list.js';
import { DiskFailure } from './disk-failure.js';
import { type EmitBytes, readBlocks, readVerified, type ShardPart } from './read-verified.js';
import { Progress, receiveShard } from './receive-shard.js';
import type { ShardFiles } from './shard-files.js';
import { SHARD_FOLDERS, type ShardPath, shardPath, temporaryPath } from './shard-path.js';
import type { UnsettledShards } from './unsettled-shards.js';

declare const stored: unique symbol;
declare const served: unique symbol;
declare const servedPart: unique symbol;

/** The claimed shard lies on the disk, whole, durable and true to its content id. Made in this file only. */
export interface StoredShard extends ClaimedItem {
  readonly [stored]: true;
}

/** Every block of the claimed shard was verified and given out. Made in this file only. */
export interface ServedShard extends ClaimedItem {
  readonly [served]: true;
}

/** Every byte of a part of the claimed shard was verified, with its block, and given out. Made in this file only. */
export interface ServedPart extends ClaimedItem {
  readonly partBytes: number;
  readonly [servedPart]: true;
}

export interface DiskShardStoreOptions {
  /** HOME/shards */
  readonly directory: string;
  /** 16 random hex digits of this process. */
  readonly runId: string;
  readonly files: ShardFiles;
  readonly unsettled: UnsettledShards;
  readonly onReadOnly: (cause: unknown) => void;
  /** A shard did not hold when somebody read it. */
  readonly onCorrupt: (cid: ContentId) => void;
}

export class DiskShardStore {
  private broken = false;
  private temporaryCount = 0;

  private constructor(private readonly options: DiskShardStoreOptions) {}

  /** Make the folders; nothing is read. */
  static async open(options: DiskShardStoreOptions): Promise<DiskShardStore> {
    const { directory, files } = options;
    await files.makeFolder(directory);
    for (const folder of SHARD_FOLDERS) await files.makeFolder(`${directory}/${folder}`);
    await files.syncFolder(directory);
    return new DiskShardStore(options);
  }

  get isReadOnly(): boolean {
    return this.broken;
  }

  /** The disk can no longer be trusted with new shards; those that are there are served on. */
  stopWriting(cause: unknown): void {
    if (this.broken) return;
    this.broken = true;
    this.options.onReadOnly(cause);
  }

  /** throws host_read_only after a disk failure */
  assertWritable(): void {
    if (this.broken) throw new ProtocolError('host_read_only');
  }

  /**
   * Store an item of a claimed token. When this resolves the bytes survive a power cut, but they are invisible
   * until the caller's unit has committed their row; until `settle` no sweep touches them. The same shard may exist:
   * it is replaced whole by the same bytes, which also heals one that has rotted.
   *
   * body     a stream that ends after exactly item.sizeBytes bytes
   * throws   what receiveShard does, with the temp file gone; host_full | host_read_only for a disk failure
   */
  async write(claim: ClaimedItem, body: Readable, progress = new Progress()): Promise<StoredShard> {
    const { item } = claim;
    this.assertWritable();
    const path = shardPath(this.options.directory, item.cid);
    const temporary = temporaryPath(path, this.options.runId, this.temporaryCount++);
    try {
      await this.fill(temporary, item, body, progress);
      await this.publish(temporary, path, item.cid);
    } catch (error) {
      throw this.explain(error);
    }
    return { ...claim } as StoredShard;
  }

  /** The row of a stored shard is committed, or never will be. */
  settle(shard: StoredShard): void {
    this.options.unsettled.letGo(shard.item.cid);
  }

  /**
   * Give out an item of a claimed token, in batches, each block verified. `emit` gets bytes that it
   * may keep until its promise resolves, and slows the reading down.
   *
   * throws   shard_corrupt at the first block that is not what it should be; what emit throws
   */
  async serve(claim: ClaimedItem, emit: EmitBytes): Promise<ServedShard> {
    await this.watched(claim, readVerified(this.options.files, this.fileOf(claim), claim.item, emit));
    return { ...claim } as ServedShard;
  }

  /** As serve, of a shard that is not hosted here but lies in this file of the shelf; a spoiled one is no loss. */
  async serveShelved(claim: ClaimedItem, file: string, emit: EmitBytes): Promise<ServedShard> {
    await readVerified(this.options.files, file, claim.item, emit);
    return { ...claim } as ServedShard;
  }

  /** As serve, for a part of the shard. */
  async servePart(claim: ClaimedItem, part: ShardPart, emit: EmitBytes): Promise<ServedPart> {
    await this.watched(claim, readVerified(this.options.files, this.fileOf(claim), claim.item, emit, part));
    return { ...claim, partBytes: part.end - part.start } as ServedPart;
  }

  /** Blocks of the claimed shard, each verified, with the tree that proves them; throws shard_corrupt. */
  showBlocks(
    claim: ClaimedItem,
    blocks: readonly number[],
  ): Promise<{ readonly tree: BlockTree; readonly data: readonly Uint8Array[] }> {
    return this.watched(claim, readBlocks(this.options.files, this.fileOf(claim), claim.item, blocks));
  }

  private async watched<T>({ item }: ClaimedItem, reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      if (isRefusal(error, 'shard_corrupt')) this.options.onCorrupt(item.cid);
      throw error;
    }
  }

  private fileOf({ item }: ClaimedItem): string {
    return shardPath(this.options.directory, item.cid).file;
  }

  private async fill(temporary: string, item: TokenItem, body: Readable, progress: Progress): Promise<void> {
    // A body that fails before it is read must not fail the process; receiveShard finds it destroyed.
    body.on('error', () => undefined);
    const file = await this.options.files.create(temporary).catch(failedWrite);
    let isWhole = false;
    try {
      await receiveShard(body, file, item, progress);
      await file.sync().catch(failedSync);
      isWhole = true;
    } finally {
      await file.close().catch(failedSync);
      if (!isWhole) await this.options.files.remove(temporary).catch(failedWrite);
    }
  }

  private async publish(temporary: string, path: ShardPath, cid: ContentId): Promise<void> {
    await this.options.unsettled.hold(cid);
    try {
      await this.options.files.rename(temporary, path.file).catch(failedWrite);
      await this.options.files.syncFolder(path.folder).catch(failedSync);
    } catch (error) {
      this.options.unsettled.letGo(cid);
      throw error;
    }
  }

  /** A suspect disk ends all further writes, at once and for good: a second fsync would report success for lost bytes. */
  private explain(error: unknown): unknown {
    if (!(error instanceof DiskFailure)) return error;
    if (!error.isSuspect) return new ProtocolError('host_full', {}, { cause: error });
    this.stopWriting(error);
    return new ProtocolError('host_read_only', {}, { cause: error });
  }
}

function failedWrite(error: unknown): never {
  throw DiskFailure.ofWrite(error);
}

function failedSync(error: unknown): never {
  throw DiskFailure.ofSync(error);
}

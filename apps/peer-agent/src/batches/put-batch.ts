// The items of a put batch: off the body one after another, each made durable, or refused by itself.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import type { ErrorCode, UnixMs } from '#protocol';
import { answerReceipt, drain } from '../serving/answers.js';
import { DiskShardStore, type StoredShard } from '../shards/disk-shard-store.js';
import { ShardIndex } from '../shards/shard-index.js';
import { type Reservation, SpaceLedger } from '../shards/space-ledger.js';
import { HostTime } from '../state/host-time.js';
import { succeeded } from '../tokens/batch-items.js';
import type { ClaimedItem } from '../tokens/replay-list.js';
import { codeAmong, type ItemEffect } from './batch-record.js';
import type { BatchKind, BatchRun } from './batch-run.js';

/** What is wrong with one item, and says nothing about the next. */
const OF_ITEM: ReadonlySet<ErrorCode> = new Set([
  'shard_content_mismatch',
  'shard_too_short',
  'host_full',
  'host_read_only',
]);

@Injectable()
export class PutBatch implements BatchKind {
  constructor(
    private readonly shardStore: DiskShardStore,
    private readonly shardIndex: ShardIndex,
    private readonly space: SpaceLedger,
    private readonly time: HostTime,
    private readonly clock: Clock,
  ) {}

  /** The bytes of an item come once: what is done, and only that, is passed over. */
  mayGoOn(position: number, done: number): boolean {
    return position === done;
  }

  async run(batch: BatchRun): Promise<void> {
    for (let i = batch.position; i < batch.items.length; i++) {
      batch.record.assertWritten();
      const claim = batch.items[i]!;
      const code = await this.storeItem(batch, claim, i);
      if (code !== null) batch.record.refuse(claim, i, code);
    }
  }

  answer({ exchange: { request, response } }: BatchRun, receipt: string, isFirstTime: boolean): void {
    answerReceipt(response, isFirstTime ? 201 : 200, receipt);
    drain(request, this.clock);
  }

  /** Returns why the item is not stored; null when it is. Throws what ends this presentation of the batch. */
  private async storeItem(batch: BatchRun, claim: ClaimedItem, index: number): Promise<ErrorCode | null> {
    // No byte is taken for what cannot be kept, or will not come.
    if (this.shardStore.isReadOnly) return 'host_read_only';
    if (batch.body.isAtEnd) return 'shard_too_short';
    const { progress } = batch.held.transfer;
    const { sizeBytes } = claim.item;
    const part = batch.body.part(sizeBytes);
    let space: Reservation | null = null;
    try {
      space = this.space.reserve(sizeBytes);
      const shard = await this.shardStore.write(claim, part, progress);
      batch.record.add(index, succeeded(shard), this.effect(shard, space, this.time.nowMs()));
      return null;
    } catch (error) {
      space?.end(0);
      const code = codeAmong(error, OF_ITEM);
      progress.cut = (reason) => batch.body.fail(reason);
      if (code !== 'host_read_only') await batch.body.skip((bytes) => (progress.bytesMoved += bytes));
      return code;
    }
  }

  private effect(shard: StoredShard, space: Reservation, atMs: UnixMs): ItemEffect {
    return {
      write: (db) => this.shardIndex.add(db, shard, atMs),
      ended: (isNew) => {
        this.shardStore.settle(shard);
        space.end(isNew === true ? shard.item.sizeBytes : 0);
      },
    };
  }
}

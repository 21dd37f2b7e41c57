// The items of a delete batch: into the trash, many in one unit. Nothing of it waits for the client, who may be gone.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import type { ErrorCode } from '#protocol';
import { DELETES_PER_UNIT_MAX } from '../limits.js';
import { answerReceipt, drain } from '../serving/answers.js';
import { ShardIndex } from '../shards/shard-index.js';
import { type DeletedShard, ShardTrash } from '../shards/shard-trash.js';
import { succeeded } from '../tokens/batch-items.js';
import type { ClaimedItem } from '../tokens/replay-list.js';
import { codeAmong, type ItemEffect } from './batch-record.js';
import type { BatchKind, BatchRun } from './batch-run.js';

const OF_ITEM: ReadonlySet<ErrorCode> = new Set(['shard_unknown', 'shard_retained', 'shard_put_again']);

@Injectable()
export class DeleteBatch implements BatchKind {
  constructor(
    private readonly trash: ShardTrash,
    private readonly shardIndex: ShardIndex,
    private readonly clock: Clock,
  ) {}

  /** The client has no part in it: the host goes on from where it was. */
  mayGoOn(): boolean {
    return true;
  }

  async run({ held, items, record }: BatchRun): Promise<void> {
    held.transfer.networkDone();
    for (let first = record.position; first < items.length; first += DELETES_PER_UNIT_MAX) {
      const some = items.slice(first, first + DELETES_PER_UNIT_MAX);
      const outcomes = await this.condemnAll(some);
      // In one turn of the event loop, and so in one unit.
      for (const [i, claim] of some.entries()) {
        const outcome = outcomes.get(claim)!;
        if (typeof outcome === 'string') record.refuse(claim, first + i, outcome);
        else record.add(first + i, succeeded(outcome), this.effect(outcome));
      }
      await record.settled();
    }
  }

  answer({ exchange: { request, response } }: Pick<BatchRun, 'exchange'>, receipt: string): void {
    answerReceipt(response, 200, receipt);
    drain(request, this.clock);
  }

  private async condemnAll(claims: readonly ClaimedItem[]): Promise<Map<ClaimedItem, DeletedShard | ErrorCode>> {
    const outcomes = new Map<ClaimedItem, DeletedShard | ErrorCode>();
    // In the order of their ids: two batches of the same shards never wait for each other.
    const ordered = [...claims].sort((a, b) => (a.item.cid < b.item.cid ? -1 : 1));
    try {
      for (const claim of ordered) outcomes.set(claim, await this.condemn(claim));
    } catch (error) {
      for (const outcome of outcomes.values()) if (typeof outcome !== 'string') await this.trash.bury(outcome, false);
      throw error;
    }
    return outcomes;
  }

  private async condemn(claim: ClaimedItem): Promise<DeletedShard | ErrorCode> {
    try {
      return await this.trash.condemn(claim);
    } catch (error) {
      return codeAmong(error, OF_ITEM);
    }
  }

  private effect(shard: DeletedShard): ItemEffect {
    return {
      write: (db) => this.shardIndex.moveToTrash(db, shard),
      ended: (written) => this.trash.bury(shard, written !== null),
    };
  }
}

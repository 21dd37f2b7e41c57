// How a claimed token ends: burned with its receipt, its row and its report in one unit, or given back. No other way.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import { UnitNotRun } from '#database';
import { Log } from '#process';
import { type ErrorCode, formatTime, isRefusal, ProtocolError } from '#protocol';
import { HostIdentity } from '../host-identity.js';
import { type Receipt, signReceipt } from '../receipts/sign-receipt.js';
import { type OutboxPlace, ReportOutbox } from '../reports/report-outbox.js';
import { DiskShardStore, type ServedShard, type StoredShard } from '../shards/disk-shard-store.js';
import { ShardIndex } from '../shards/shard-index.js';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import { type ClaimedToken, ReplayList } from '../tokens/replay-list.js';

export interface StoredResult {
  readonly receipt: Receipt;
  /** False when the same bytes were here already, put under another token. */
  readonly isNew: boolean;
}

@Injectable()
export class CompleteTransfer {
  private readonly ended = new WeakSet<ClaimedToken>();

  constructor(
    private readonly database: AgentDatabase,
    private readonly replayList: ReplayList,
    private readonly shardIndex: ShardIndex,
    private readonly shardStore: DiskShardStore,
    private readonly outbox: ReportOutbox,
    private readonly identity: HostIdentity,
    private readonly time: HostTime,
    private readonly log: Log,
  ) {}

  /** Whether one of the ends below was chosen for this claim, however it came out: there is no second one. */
  hasEnded(token: ClaimedToken): boolean {
    return this.ended.has(token);
  }

  /** The shard becomes visible, its token is burned, and its receipt waits for the broker: all three or none. */
  async stored(shard: StoredShard, place: OutboxPlace): Promise<StoredResult> {
    const atMs = this.time.nowMs();
    const receipt = signReceipt(shard, this.identity, atMs);
    try {
      const isNew = await this.burn(shard.token, place, receipt, null, (db) => this.shardIndex.add(db, shard, atMs));
      return { receipt, isNew };
    } finally {
      this.shardStore.settle(shard);
    }
  }

  async served(shard: ServedShard, place: OutboxPlace): Promise<Receipt> {
    const receipt = signReceipt(shard, this.identity, this.time.nowMs());
    await this.burn(shard.token, place, receipt, null, async () => undefined);
    return receipt;
  }

  /** The transaction has failed for good: the token ends without a receipt, and the broker hears why (B17). */
  async failed(token: ClaimedToken, place: OutboxPlace, code: ErrorCode): Promise<void> {
    await this.burn(token, place, null, code, async () => undefined);
  }

  /** The network cut the transfer off: the token may be tried again, but not for ever. */
  async cutOff(token: ClaimedToken, place: OutboxPlace): Promise<void> {
    this.begin(token);
    let isSpent: boolean;
    try {
      isSpent = await this.database.writes.run(async (db) => {
        const spent = await this.replayList.release(db, token);
        if (spent) await this.outbox.add(db, this.failure(token, 'token_released_too_often'));
        return spent;
      });
    } catch (error) {
      throw this.notCommitted(token, place, error);
    }
    this.replayList.markReleased(token);
    if (isSpent) place.filled();
    else place.givenBack();
  }

  private async burn<T>(
    token: ClaimedToken,
    place: OutboxPlace,
    receipt: Receipt | null,
    code: ErrorCode | null,
    also: (db: AgentDatabase['reads']) => Promise<T>,
  ): Promise<T> {
    this.begin(token);
    const { transactionId } = token;
    let result: T;
    try {
      result = await this.database.writes.run(async (db) => {
        await this.replayList.burn(db, token, receipt);
        if (receipt !== null) await this.outbox.add(db, { outcome: 'done', transactionId, receipt });
        if (code !== null) await this.outbox.add(db, this.failure(token, code));
        return also(db);
      });
    } catch (error) {
      throw this.notCommitted(token, place, error);
    }
    this.replayList.markBurned(token, true);
    place.filled();
    return result;
  }

  private begin(token: ClaimedToken): void {
    assert(!this.ended.has(token));
    this.ended.add(token);
  }

  /** A unit that never ran says nothing about the disk: the token is given back, and the peer may come again. */
  private notCommitted(token: ClaimedToken, place: OutboxPlace, cause: unknown): ProtocolError {
    const code = refusalOfUnrun(cause);
    if (code === null) return this.notDurable(token, place, cause);
    const { transactionId } = token;
    this.log.warn({ event: 'commit_not_begun', transactionId, code, err: cause });
    this.replayList.giveBack(token);
    place.givenBack();
    return new ProtocolError(code, { transactionId }, { cause });
  }

  /** Whether the unit was committed is unknown: the token must not start again, and nothing more may be stored. */
  private notDurable(token: ClaimedToken, place: OutboxPlace, cause: unknown): ProtocolError {
    this.log.error({ event: 'commit_failed', transactionId: token.transactionId, err: cause });
    this.replayList.markBurned(token, false);
    place.givenBack();
    this.shardStore.stopWriting(cause);
    return new ProtocolError('host_read_only', {}, { cause });
  }

  private failure(token: ClaimedToken, code: ErrorCode) {
    return {
      outcome: 'failed' as const,
      transactionId: token.transactionId,
      code,
      at: formatTime(this.time.nowMs()),
    };
  }
}

/** What a peer hears when the unit was never run; null when it may have been. */
function refusalOfUnrun(error: unknown): ErrorCode | null {
  if (error instanceof UnitNotRun || isRefusal(error, 'overloaded')) return 'host_busy';
  return isRefusal(error, 'stopping') ? 'host_stopping' : null;
}

// How one use of a token of several begins and ends: its part of the budget, its receipt and its report in one unit.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Log } from '#process';
import { type ErrorCode, formatTime, ProtocolError, type Report } from '#protocol';
import { HostIdentity } from '../host-identity.js';
import { type Receipt, signPartReceipt, signReceipt } from '../receipts/sign-receipt.js';
import { RefusalTally } from '../reports/refusal-tally.js';
import { type OutboxPlace, ReportOutbox } from '../reports/report-outbox.js';
import { DiskShardStore, type ServedPart, type ServedShard, type StoredShard } from '../shards/disk-shard-store.js';
import { ShardIndex } from '../shards/shard-index.js';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import { type ClaimedUse, ReplayList } from '../tokens/replay-list.js';
import { refusalOfUnrun } from './refusal-of-unrun.js';

/** How a use ended: what it moved, and the receipt that it earned. */
interface UseEnd<T> {
  readonly movedBytes: number;
  readonly receipt: ((tokenMovedBytes: number) => Receipt) | null;
  readonly also: (db: EntityManager) => Promise<T>;
}

const nothing = async (): Promise<undefined> => undefined;

@Injectable()
export class CompleteUse {
  constructor(
    private readonly database: AgentDatabase,
    private readonly replayList: ReplayList,
    private readonly shardIndex: ShardIndex,
    private readonly shardStore: DiskShardStore,
    private readonly outbox: ReportOutbox,
    private readonly tally: RefusalTally,
    private readonly identity: HostIdentity,
    private readonly time: HostTime,
    private readonly log: Log,
  ) {}

  /** throws host_busy | host_stopping, the use never having been; host_read_only, what it holds being spent */
  async begin(use: ClaimedUse, place: OutboxPlace): Promise<void> {
    try {
      await this.database.writes.run((db) => this.replayList.writeUse(db, use));
    } catch (error) {
      if (refusalOfUnrun(error) !== null) this.replayList.giveBackUse(use);
      throw this.notCommitted(use, place, error);
    }
  }

  async stored(shard: StoredShard & ClaimedUse, place: OutboxPlace): Promise<{ receipt: Receipt; isNew: boolean }> {
    const atMs = this.time.nowMs();
    const signed = signReceipt(shard, this.identity, atMs);
    const movedBytes = shard.item.sizeBytes;
    const also = (db: EntityManager): Promise<boolean> => this.shardIndex.add(db, shard, atMs);
    try {
      const { result } = await this.end(shard, place, { movedBytes, receipt: () => signed, also });
      return { receipt: signed, isNew: result };
    } finally {
      this.shardStore.settle(shard);
    }
  }

  async served(shard: ServedShard & ClaimedUse, place: OutboxPlace): Promise<Receipt> {
    const signed = signReceipt(shard, this.identity, this.time.nowMs());
    await this.end(shard, place, { movedBytes: shard.item.sizeBytes, receipt: () => signed, also: nothing });
    return signed;
  }

  async servedPart(part: ServedPart & ClaimedUse, place: OutboxPlace): Promise<Receipt> {
    const atMs = this.time.nowMs();
    const sign = (tokenMovedBytes: number): Receipt =>
      signPartReceipt(part, isStream(part) ? tokenMovedBytes : part.partBytes, this.identity, atMs);
    const { receipt } = await this.end(part, place, { movedBytes: part.partBytes, receipt: sign, also: nothing });
    return receipt!;
  }

  /** The use has failed, and the token goes on: the broker hears of it as of a refusal (B17). */
  async failed(use: ClaimedUse, place: OutboxPlace, code: ErrorCode, movedBytes: number): Promise<void> {
    const { clientId } = use.token;
    const at = formatTime(this.time.nowMs());
    if (clientId !== 'broker') this.tally.record({ code, clientId, transactionId: null, at });
    await this.end(use, place, { movedBytes: spentBytes(use, movedBytes), receipt: null, also: nothing });
  }

  /** A put that was cut off left nothing behind and spends a use alone; what was sent out is spent. */
  async cutOff(use: ClaimedUse, place: OutboxPlace, movedBytes: number): Promise<void> {
    const spent = use.token.doing === 'put' ? 0 : spentBytes(use, movedBytes);
    await this.end(use, place, { movedBytes: spent, receipt: null, also: nothing });
  }

  /** Counted in memory first, and in one turn with the receipt: of two receipts the one written later says more. */
  private async end<T>(use: ClaimedUse, place: OutboxPlace, how: UseEnd<T>) {
    const receipt = how.receipt?.(this.replayList.endUse(use, how.movedBytes)) ?? null;
    if (how.receipt === null) this.replayList.endUse(use, how.movedBytes);
    try {
      const { result, takesPlace } = await this.database.writes.run(async (db) => {
        await this.replayList.writeUseEnd(db, use, how.movedBytes);
        const replaced = receipt === null || (await this.report(db, use, receipt));
        return { result: await how.also(db), takesPlace: !replaced };
      });
      if (takesPlace) place.filled();
      else place.givenBack();
      return { receipt, result };
    } catch (error) {
      throw this.notCommitted(use, place, error);
    }
  }

  /** Returns whether the report took the place of another one. */
  private async report(db: EntityManager, use: ClaimedUse, receipt: Receipt): Promise<boolean> {
    const { transactionId } = use.token;
    const entry: Report = { outcome: 'done', transactionId, receipt };
    // The newest receipt of a stream counts all that its token has moved: earlier ones say nothing more.
    if (isStream(use)) return this.outbox.addNewest(db, transactionId, entry);
    await this.outbox.add(db, entry);
    return false;
  }

  /** The unit never ran, or nobody knows whether it did; then nothing more may be stored. What was counted stays so. */
  private notCommitted({ token }: ClaimedUse, place: OutboxPlace, cause: unknown): ProtocolError {
    const code = refusalOfUnrun(cause);
    const { transactionId } = token;
    place.givenBack();
    if (code !== null) {
      this.log.warn({ event: 'commit_not_begun', transactionId, code, err: cause });
      return new ProtocolError(code, { transactionId }, { cause });
    }
    this.log.error({ event: 'commit_failed', transactionId, err: cause });
    this.replayList.markUseInDoubt();
    this.shardStore.stopWriting(cause);
    return new ProtocolError('host_read_only', {}, { cause });
  }
}

function isStream({ token }: ClaimedUse): boolean {
  return token.op === 'stream';
}

/** More may have come than was asked for: a body that is too long. */
function spentBytes({ use }: ClaimedUse, movedBytes: number): number {
  return Math.min(movedBytes, use.heldBytes);
}

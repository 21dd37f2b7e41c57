// How a claimed token ends: burned with its receipt, its row and its report in one unit, or given back. No other way.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import { Log } from '#process';
import { type ErrorCode, formatTime, ProtocolError } from '#protocol';
import { HostIdentity } from '../host-identity.js';
import { type Receipt, signBatchReceipt, signReceipt } from '../receipts/sign-receipt.js';
import { type OutboxPlace, ReportOutbox } from '../reports/report-outbox.js';
import { DiskShardStore, type ServedPart, type ServedShard, type StoredShard } from '../shards/disk-shard-store.js';
import { ShardIndex } from '../shards/shard-index.js';
import type { DeletedShard } from '../shards/shard-trash.js';
import { AgentDatabase } from '../state/agent-database.js';
import { HostTime } from '../state/host-time.js';
import { type EndedItem, forgetEndedItems } from '../tokens/batch-items.js';
import { type ClaimedItem, type ClaimedToken, type ClaimedUse, ReplayList } from '../tokens/replay-list.js';
import { isSpent, type TokenEntry } from '../tokens/replay-rules.js';
import { CompleteUse } from './complete-use.js';
import { refusalOfUnrun } from './refusal-of-unrun.js';

/** What an end is given: the token, wholly, as a batch, or for one of its uses. */
export type Claim = Pick<ClaimedItem, 'token' | 'use'> & {
  /** Of a batch: whether this presentation of its token has brought it further. */
  readonly batch?: { readonly hasProgressed: boolean };
};

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
    private readonly uses: CompleteUse,
  ) {}

  /**
   * Before any byte moves: what a claim of one use among several holds of its token is durable, so that no crash gives
   * it back. Where it cannot be made so, the claim has ended.
   */
  async begin(claim: Claim, place: OutboxPlace): Promise<void> {
    if (!isUse(claim)) return;
    try {
      await this.uses.begin(claim, place);
    } catch (error) {
      this.end(claim);
      throw error;
    }
  }

  /** Whether one of the ends below was chosen for this claim, however it came out: there is no second one. */
  hasEnded({ token }: Claim): boolean {
    return this.ended.has(token);
  }

  /** The shard becomes visible, its token is burned, and its receipt waits for the broker: all three or none. */
  async stored(shard: StoredShard, place: OutboxPlace): Promise<StoredResult> {
    if (isUse(shard)) return this.endUse(shard, this.uses.stored(shard, place));
    const atMs = this.time.nowMs();
    const receipt = signReceipt(shard, this.identity, atMs);
    this.end(shard);
    try {
      const isNew = await this.burn(shard.token, place, receipt, null, (db) => this.shardIndex.add(db, shard, atMs));
      return { receipt, isNew };
    } finally {
      this.shardStore.settle(shard);
    }
  }

  async served(shard: ServedShard, place: OutboxPlace): Promise<Receipt> {
    if (isUse(shard)) return this.endUse(shard, this.uses.served(shard, place));
    const receipt = signReceipt(shard, this.identity, this.time.nowMs());
    this.end(shard);
    await this.burn(shard.token, place, receipt, null, async () => undefined);
    return receipt;
  }

  /** The shard is there no more, its token is burned, and its receipt waits for the broker: all three or none. */
  async deleted(shard: DeletedShard, place: OutboxPlace): Promise<Receipt> {
    const receipt = signReceipt(shard, this.identity, this.time.nowMs());
    this.end(shard);
    await this.burn(shard.token, place, receipt, null, (db) => this.shardIndex.moveToTrash(db, shard));
    return receipt;
  }

  /** Some items of a batch have ended, in a unit of theirs; the token stays claimed, unless that unit comes to nothing. */
  async during<T>(claim: Claim, place: OutboxPlace, unit: (db: AgentDatabase['reads']) => Promise<T>): Promise<T> {
    try {
      return await this.database.writes.run(unit);
    } catch (error) {
      this.end(claim);
      throw this.notCommitted(claim.token, place, error);
    }
  }

  /** All items of a batch have ended, each in its way, and the last unit about them is committed. */
  async batchEnded({ token }: Claim, place: OutboxPlace, items: readonly EndedItem[]): Promise<Receipt> {
    const receipt = signBatchReceipt(token, items, this.identity, this.time.nowMs());
    this.end({ token });
    await this.burn(token, place, receipt, null, (db) => forgetEndedItems(db, token));
    return receipt;
  }

  /** Nothing was done under this claim: the token is what it was before. */
  notBegun({ token }: Claim, place: OutboxPlace): void {
    this.end({ token });
    this.replayList.giveBack(token);
    place.givenBack();
  }

  /** Only under tokens of several uses. */
  async servedPart(part: ServedPart, place: OutboxPlace): Promise<Receipt> {
    assert(isUse(part));
    return this.endUse(part, this.uses.servedPart(part, place));
  }

  /** What the broker asked for goes out as the answer: the token is burned, and there is no receipt. */
  async answered(claim: Claim, place: OutboxPlace): Promise<void> {
    this.end(claim);
    await this.burn(claim.token, place, null, null, async () => undefined);
  }

  /** The transaction has failed for good: the token ends without a receipt, and the broker hears why (B17). */
  async failed(claim: Claim, place: OutboxPlace, code: ErrorCode, movedBytes = 0): Promise<void> {
    this.end(claim);
    if (isUse(claim)) return this.uses.failed(claim, place, code, movedBytes);
    await this.burn(claim.token, place, null, code, async () => undefined);
  }

  /** The network cut the transfer off: the token may be tried again, but not for ever. */
  async cutOff(claim: Claim, place: OutboxPlace, movedBytes = 0): Promise<void> {
    this.end(claim);
    if (isUse(claim)) return this.uses.cutOff(claim, place, movedBytes);
    const { token } = claim;
    const batch = claim.batch === undefined ? undefined : { ...claim.batch, movedBytes };
    let entry: TokenEntry;
    try {
      entry = await this.database.writes.run(async (db) => {
        const next = await this.replayList.release(db, token, batch);
        if (isSpent(next) && reportsAbout(token)) {
          await this.outbox.add(db, this.failure(token, 'token_released_too_often'));
        }
        return next;
      });
    } catch (error) {
      throw this.notCommitted(token, place, error);
    }
    this.replayList.markReleased(token, entry);
    if (isSpent(entry) && reportsAbout(token)) place.filled();
    else place.givenBack();
  }

  private async burn<T>(
    token: ClaimedToken,
    place: OutboxPlace,
    receipt: Receipt | null,
    code: ErrorCode | null,
    also: (db: AgentDatabase['reads']) => Promise<T>,
  ): Promise<T> {
    const { transactionId } = token;
    const fails = code !== null && reportsAbout(token);
    let result: T;
    try {
      result = await this.database.writes.run(async (db) => {
        await this.replayList.burn(db, token, receipt);
        if (receipt !== null) await this.outbox.add(db, { outcome: 'done', transactionId, receipt });
        if (fails) await this.outbox.add(db, this.failure(token, code));
        return also(db);
      });
    } catch (error) {
      throw this.notCommitted(token, place, error);
    }
    this.replayList.markBurned(token, true);
    if (receipt !== null || fails) place.filled();
    else place.givenBack();
    return result;
  }

  /** Called in the turn in which the ending began. */
  private endUse<T>(claim: Claim, ending: Promise<T>): Promise<T> {
    this.end(claim);
    return ending;
  }

  private end({ token }: Claim): void {
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

function isUse<C extends Claim>(claim: C): claim is C & ClaimedUse {
  return claim.use !== undefined;
}

/** What the broker asked for itself needs no second way to tell it. */
function reportsAbout({ clientId }: ClaimedToken): boolean {
  return clientId !== 'broker';
}

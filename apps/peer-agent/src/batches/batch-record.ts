// The results of one presentation of a batch: written in order, in the background, as many in one unit as have come.
import type { EntityManager } from 'typeorm';
import { type ErrorCode, isRefusal, ProtocolError } from '#protocol';
import type { Claim, CompleteTransfer } from '../serving/complete-transfer.js';
import type { Held } from '../serving/transfer-frame.js';
import { type EndedItem, refused, writeEndedItem } from '../tokens/batch-items.js';
import type { ClaimedItem, ReplayList } from '../tokens/replay-list.js';

/** What makes an item so, in the unit that writes its result, and what follows from it. */
export interface ItemEffect {
  write(db: EntityManager): Promise<unknown>;
  /** written: what `write` returned, committed; null when the unit came to nothing. Never throws. */
  ended(written: unknown): Promise<void> | void;
}

interface Waiting {
  readonly index: number;
  readonly end: EndedItem;
  readonly effect: ItemEffect | null;
}

export interface BatchClaim extends Claim {
  readonly batch: { hasProgressed: boolean };
}

export class BatchRecord {
  private readonly ends: EndedItem[];
  private readonly startPosition: number;
  private waiting: Waiting[] = [];
  private writing: Promise<void> | null = null;
  private failure: unknown = null;

  /** done: the ends of earlier presentations, without a gap. */
  constructor(
    private readonly held: Held<BatchClaim>,
    private readonly complete: CompleteTransfer,
    private readonly replayList: ReplayList,
    done: readonly EndedItem[],
  ) {
    this.ends = [...done];
    this.startPosition = done.length;
  }

  /** How many items have ended, of the first on. */
  get position(): number {
    return this.ends.length;
  }

  get items(): readonly EndedItem[] {
    return this.ends;
  }

  /** An item has ended: the next one, or once more one before it. */
  add(index: number, end: EndedItem, effect: ItemEffect | null = null): void {
    this.ends[index] = end;
    this.waiting.push({ index, end, effect });
    this.writing ??= Promise.resolve().then(() => this.write());
  }

  /** An item was refused. The only one of its token is refused as it would be alone: throws its code. */
  refuse(claim: ClaimedItem, index: number, code: ErrorCode): void {
    if (claim.token.items.length === 1) throw new ProtocolError(code);
    this.add(index, refused(claim, code));
  }

  /** Throws what came of the writing so far: where it failed, the token has ended. */
  assertWritten(): void {
    if (this.failure !== null) throw this.failure;
  }

  /** All that has come is committed. Throws as assertWritten. */
  async settled(): Promise<void> {
    await this.writing;
    this.assertWritten();
  }

  /** As settled, where another error is told already. */
  async quiet(): Promise<void> {
    await this.writing;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) await this.writeSome(this.waiting.splice(0));
    this.writing = null;
  }

  private async writeSome(some: readonly Waiting[]): Promise<void> {
    const { claim, place } = this.held;
    let written: unknown[] | null = null;
    try {
      // After a unit that failed nothing is written: a gap in the results would stay one.
      if (this.failure === null) written = await this.complete.during(claim, place, (db) => this.unit(db, some));
    } catch (error) {
      this.failure = error;
    }
    if (written !== null) {
      this.replayList.markBegun(claim.token);
      claim.batch.hasProgressed ||= some.some(({ index }) => index >= this.startPosition);
    }
    for (const [i, { effect }] of some.entries()) await effect?.ended(written === null ? null : written[i]);
  }

  private async unit(db: EntityManager, some: readonly Waiting[]): Promise<unknown[]> {
    const { token } = this.held.claim;
    if (!this.replayList.isBegun(token)) await this.replayList.writeBegun(db, token);
    const written: unknown[] = [];
    for (const { index, end, effect } of some) {
      await writeEndedItem(db, token, index, end);
      written.push((await effect?.write(db)) ?? true);
    }
    return written;
  }
}

/** The code of a refusal among those given; anything else is thrown on. */
export function codeAmong(error: unknown, codes: ReadonlySet<ErrorCode>): ErrorCode {
  if (isRefusal(error) && codes.has(error.code)) return error.code;
  throw error;
}

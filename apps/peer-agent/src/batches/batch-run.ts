// One presentation of a batch, as the three kinds of batches see it.
import type { BodyReader } from '../serving/body-reader.js';
import type { Exchange } from '../serving/exchange.js';
import type { Held } from '../serving/transfer-frame.js';
import type { ClaimedItem } from '../tokens/replay-list.js';
import type { BatchClaim, BatchRecord } from './batch-record.js';

export interface BatchRun {
  readonly exchange: Exchange;
  readonly held: Held<BatchClaim>;
  readonly items: readonly ClaimedItem[];
  /** What the client has of the answer, or has sent: items before it are passed over. */
  readonly position: number;
  readonly record: BatchRecord;
  /** The body after the token. */
  readonly body: BodyReader;
}

/** put, get or delete. */
export interface BatchKind {
  /**
   * Whether the client may go on from its position, when the host has done so many items.
   */
  mayGoOn(position: number, done: number): boolean;
  /** Do the items from the position on; when it resolves, each has its end in the record. */
  run(batch: BatchRun): Promise<void>;
  /** The receipt is in agent.db. */
  answer(batch: Pick<BatchRun, 'exchange'>, receipt: string, isFirstTime: boolean): void;
}

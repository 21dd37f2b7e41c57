// What is asked of a batch, and what comes of it.
import type { PeerAddress, ReceiptResult, TokenItem, TransactionId } from '#protocol';

export interface BatchOptions {
  readonly host: PeerAddress;
  readonly token: string;
  /** As in the token, in its order. */
  readonly items: readonly TokenItem[];
  /** When given, the receipt must be for this transaction. */
  readonly transactionId?: TransactionId;
  readonly signal?: AbortSignal | undefined;
}

export interface PutBatchOptions extends BatchOptions {
  /** The bytes of an item, asked for when its turn comes; again, when the connection broke while it was sent. */
  readonly bytesOf: (index: number) => Uint8Array | Promise<Uint8Array>;
}

export interface GetBatchOptions extends BatchOptions {
  /** An item that came whole, with its content id; once each, in order. Nothing comes until it has returned. */
  readonly onItem: (index: number, bytes: Buffer) => void | Promise<void>;
}

export interface BatchResult {
  /** Signed by the host, checked here; to be reported to the broker. */
  readonly receipt: string;
  /** Of each item, in order: the success of the operation, or a code. */
  readonly results: readonly ReceiptResult[];
}

export interface GetBatchResult {
  /** null when the host sent none that says what came. */
  readonly receipt: string | null;
  /** Of each item: `served` when it was handed on, or why it was not. */
  readonly results: readonly ReceiptResult[];
}

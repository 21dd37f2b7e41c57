// A receipt is signed for what was done, and for nothing else: its argument exists only after the bytes are safe or served.
import { strict as assert } from 'node:assert';
import {
  encodeReceipt,
  type PeerId,
  type PeerOp,
  RECEIPT_RESULTS,
  type ReceiptClaims,
  type ReceiptOp,
  type SignBytes,
  type UnixMs,
} from '#protocol';
import type { ServedPart, ServedShard, StoredShard } from '../shards/disk-shard-store.js';
import type { DeletedShard } from '../shards/shard-trash.js';
import type { EndedItem } from '../tokens/batch-items.js';
import type { ClaimedToken } from '../tokens/replay-list.js';

declare const receipt: unique symbol;

/** The text of a receipt (SPEC §7). Made in this file only. */
export type Receipt = string & { readonly [receipt]: true };

export interface ReceiptSigner {
  readonly peerId: PeerId;
  readonly trustDomain: string;
  readonly sign: SignBytes;
}

/** atMs: broker time, as the host knows it */
export function signReceipt(
  done: StoredShard | ServedShard | DeletedShard,
  host: ReceiptSigner,
  atMs: UnixMs,
): Receipt {
  return sign(done, done.item.sizeBytes, host, atMs);
}

/** items: every item of the batch, in the order of its token, each made so or refused */
export function signBatchReceipt(
  token: ClaimedToken,
  items: readonly EndedItem[],
  host: ReceiptSigner,
  atMs: UnixMs,
): Receipt {
  assert.equal(items.length, token.items.length);
  assert(items.every(({ item }, i) => item.cid === token.items[i]!.cid));
  return encode(token, { items: items.map(({ item, result }) => ({ ...item, result })) }, host, atMs);
}

/** movedBytes: by the token so far where the broker counts by token (a stream), by this use where it counts by use. */
export function signPartReceipt(done: ServedPart, movedBytes: number, host: ReceiptSigner, atMs: UnixMs): Receipt {
  assert(movedBytes >= done.partBytes);
  return sign(done, movedBytes, host, atMs);
}

function sign(
  { token, item: { cid }, use }: StoredShard | ServedShard | ServedPart | DeletedShard,
  sizeBytes: number,
  host: ReceiptSigner,
  atMs: UnixMs,
): Receipt {
  const items = [{ cid, sizeBytes, result: RECEIPT_RESULTS[receiptOpOf(token.doing)] }];
  return encode(token, use === undefined ? { items } : { items, use: use.number }, host, atMs);
}

function encode(
  token: ClaimedToken,
  done: Pick<ReceiptClaims, 'items' | 'use'>,
  host: ReceiptSigner,
  atMs: UnixMs,
): Receipt {
  assert(token.clientId !== 'broker', 'the broker needs no receipt');
  return encodeReceipt(
    {
      trustDomain: host.trustDomain,
      transactionId: token.transactionId,
      op: receiptOpOf(token.doing),
      hostId: host.peerId,
      clientId: token.clientId,
      ...done,
      timeMs: atMs,
    },
    host.sign,
  ) as Receipt;
}

function receiptOpOf(op: PeerOp): ReceiptOp {
  assert(op !== 'audit' && op !== 'probe', 'their answers are their proof');
  return op;
}

// What became of the items of a batch: the results that its receipt will state, kept in agent.db until then (SPEC §4.5).
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { type ErrorCode, RECEIPT_RESULTS, type ReceiptResult, type TokenItem } from '#protocol';
import type { ServedShard, StoredShard } from '../shards/disk-shard-store.js';
import type { DeletedShard } from '../shards/shard-trash.js';
import type { ClaimedItem, ClaimedToken } from './replay-list.js';

declare const ended: unique symbol;

/** An item of a claimed batch and its end: a success that was made so, or the code of its refusal. Made in this file only. */
export interface EndedItem {
  readonly item: TokenItem;
  readonly result: ReceiptResult;
  readonly [ended]: true;
}

export function succeeded({ token, item }: StoredShard | ServedShard | DeletedShard): EndedItem {
  return { item, result: successOf(token) } as EndedItem;
}

export function refused({ item }: ClaimedItem, code: ErrorCode): EndedItem {
  return { item, result: code } as EndedItem;
}

/** Those of earlier presentations of the token, in its order, without a gap: each was written in the unit that made it so. */
export async function readEndedItems(reads: EntityManager, token: ClaimedToken): Promise<EndedItem[]> {
  const rows = await reads.query<{ item: number; result: string }[]>(
    'SELECT item, result FROM batch_item WHERE expires_ms = $1 AND transaction_id = $2 ORDER BY item',
    [token.expiresAtMs, token.transactionId],
  );
  return rows.map((row, i) => {
    assert.equal(row.item, i);
    return { item: token.items[i]!, result: row.result } as EndedItem;
  });
}

/** Part of the caller's unit. An item that is served once more ends once more. */
export async function writeEndedItem(
  db: EntityManager,
  token: ClaimedToken,
  index: number,
  { result }: EndedItem,
): Promise<void> {
  await changeOne(
    db,
    `INSERT INTO batch_item (expires_ms, transaction_id, item, result) VALUES ($1, $2, $3, $4)
       ON CONFLICT (expires_ms, transaction_id, item) DO UPDATE SET result = excluded.result`,
    [token.expiresAtMs, token.transactionId, index, result],
  );
}

/** Part of the unit that burns the token: from there on the receipt says it. */
export async function forgetEndedItems(db: EntityManager, token: ClaimedToken): Promise<void> {
  await changeMany(db, 'DELETE FROM batch_item WHERE expires_ms = $1 AND transaction_id = $2', [
    token.expiresAtMs,
    token.transactionId,
  ]);
}

function successOf({ doing }: ClaimedToken): ReceiptResult {
  assert(doing === 'put' || doing === 'get' || doing === 'delete', 'no other kind of token is for a batch');
  return RECEIPT_RESULTS[doing];
}

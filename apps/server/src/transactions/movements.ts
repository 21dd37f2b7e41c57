// What a transaction does to credit: put aside at its begin, paid or given back at its end. Pure.
import { strict as assert } from 'node:assert';
import type { AccountId } from '#protocol';
import { type Movement, reserveMovement, settleMovement, voidMovement } from '../ledger/movement.js';
import type { NewTransaction } from './transaction-rows.js';

type Paid = Pick<NewTransaction, 'id' | 'hostId' | 'item' | 'groupId' | 'clientAccountId'>;

/**
 * Under which name the ledger knows this part. The id alone wherever that is enough: one entry for one token is what
 * nearly all of the ledger is made of.
 */
export function ledgerKeyOf({ id, hostId, item, groupId }: Omit<Paid, 'clientAccountId'>): string {
  if (groupId !== null) return `${id}/${hostId}/${item}`;
  return item === 0 ? id : `${id}/${item}`;
}

/** What is set aside for it: the shard of a put, all that a universal token may move. 0 for what costs nothing. */
export function reservedBytes({ op, isUse, sizeBytes, maxBytes }: NewTransaction): number {
  // The uses of a universal token are paid from what was set aside for the token.
  if (isUse) return 0;
  if (op === 'universal') return maxBytes ?? 0;
  return op === 'put' ? sizeBytes : 0;
}

/** The reservations of new transactions. */
export function reservations(transactions: readonly NewTransaction[]): Movement[] {
  return transactions
    .filter((transaction) => reservedBytes(transaction) > 0)
    .map((transaction) =>
      reserveMovement({
        transactionId: ledgerKeyOf(transaction),
        client: clientOf(transaction),
        sizeBytes: reservedBytes(transaction),
      }),
    );
}

/** The reservations of one request in one movement, named after the first of them: the ledger grows by requests. */
export function reservationTogether(transactions: readonly NewTransaction[]): Movement[] {
  const [first, ...others] = reservations(transactions);
  if (first === undefined) return [];
  return [{ ...first, amount: others.reduce((sum, { amount }) => sum + amount, first.amount) }];
}

/** A put that both ends confirmed. */
export function settlementOf(put: NewTransaction, from: 'reserved' | 'available'): Movement {
  assert.equal(put.op, 'put');
  return settleMovement({
    transactionId: ledgerKeyOf(put),
    client: clientOf(put),
    host: put.hostAccountId,
    sizeBytes: put.sizeBytes,
    from,
  });
}

/** What goes back of a reservation; sizeBytes at least 1. */
export function givenBack(transaction: Paid, sizeBytes: number): Movement {
  return voidMovement({ transactionId: ledgerKeyOf(transaction), client: clientOf(transaction), sizeBytes });
}

/** The reservations of transactions that came to nothing. */
export function allGivenBack(transactions: readonly NewTransaction[]): Movement[] {
  return transactions
    .filter((transaction) => reservedBytes(transaction) > 0)
    .map((transaction) => givenBack(transaction, reservedBytes(transaction)));
}

function clientOf({ clientAccountId }: Pick<Paid, 'clientAccountId'>): AccountId {
  assert(clientAccountId !== null, 'the broker itself puts nothing');
  return clientAccountId;
}

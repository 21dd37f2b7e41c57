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

/** What is set aside for it alone; 0 for what costs nothing. */
export function reservedFor({ isUse, charge }: NewTransaction): number {
  // The uses of a universal token are paid from what was set aside for the token.
  return isUse ? 0 : charge;
}

/** The reservations of new transactions. */
export function reservations(transactions: readonly NewTransaction[]): Movement[] {
  return transactions
    .filter((transaction) => reservedFor(transaction) > 0)
    .map((transaction) =>
      reserveMovement({
        transactionId: ledgerKeyOf(transaction),
        client: clientOf(transaction),
        charge: reservedFor(transaction),
      }),
    );
}

/** The reservations of one request in one movement, named after the first of them: the ledger grows by requests. */
export function reservationTogether(transactions: readonly NewTransaction[]): Movement[] {
  const [first, ...others] = reservations(transactions);
  if (first === undefined) return [];
  return [{ ...first, amount: others.reduce((sum, { amount }) => sum + amount, first.amount) }];
}

/** A put that happened. */
export function settlementOf(put: NewTransaction, from: 'reserved' | 'available'): Movement {
  assert.equal(put.op, 'put');
  return settleMovement({ transactionId: ledgerKeyOf(put), client: clientOf(put), charge: put.charge, from });
}

/** What goes back of a reservation; charge at least 1. */
export function givenBack(transaction: Paid, charge: number): Movement {
  return voidMovement({ transactionId: ledgerKeyOf(transaction), client: clientOf(transaction), charge });
}

/** The reservations of transactions that came to nothing. */
export function allGivenBack(transactions: readonly NewTransaction[]): Movement[] {
  return transactions
    .filter((transaction) => reservedFor(transaction) > 0)
    .map((transaction) => givenBack(transaction, reservedFor(transaction)));
}

function clientOf({ clientAccountId }: Pick<Paid, 'clientAccountId'>): AccountId {
  assert(clientAccountId !== null, 'the broker itself puts nothing');
  return clientAccountId;
}

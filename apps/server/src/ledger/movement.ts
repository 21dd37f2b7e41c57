// The words of the ledger: who has credit, and what moves it. Amounts are bytes of backup, as bigint.
import type { AccountId } from '#protocol';

/** What an account has: free to spend, set aside for puts under way, earned by hosting. */
export const PURSES = ['available', 'reserved', 'earned'] as const;
export type Purse = (typeof PURSES)[number];

/** Where all credit comes from; its balance is what is in the world, negated. */
export const ISSUANCE = 'issuance';

export type LedgerAccount = `${Purse}:${AccountId}` | typeof ISSUANCE;

export const purseOf = (purse: Purse, accountId: AccountId): LedgerAccount => `${purse}:${accountId}`;

export type MovementKind = 'grant' | 'reserve' | 'settle' | 'void';

/** One movement of credit. The pair of transaction and kind is its identity: it happens once. */
export interface Movement {
  readonly kind: MovementKind;
  /** Transaction id; for a grant, the id of the account. */
  readonly transactionId: string;
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  /** At least 1. */
  readonly amount: bigint;
}

/** A put sets its client's credit aside. */
export function reserveMovement(put: { transactionId: string; client: AccountId; sizeBytes: number }): Movement {
  return {
    kind: 'reserve',
    transactionId: put.transactionId,
    debit: purseOf('available', put.client),
    credit: purseOf('reserved', put.client),
    amount: BigInt(put.sizeBytes),
  };
}

/** A put that both ends confirmed pays its host; from what is free when its reservation has been given back. */
export function settleMovement(put: {
  transactionId: string;
  client: AccountId;
  host: AccountId;
  sizeBytes: number;
  from: 'reserved' | 'available';
}): Movement {
  return {
    kind: 'settle',
    transactionId: put.transactionId,
    debit: purseOf(put.from, put.client),
    credit: purseOf('earned', put.host),
    amount: BigInt(put.sizeBytes),
  };
}

/** A put that never happened gives its reservation back. */
export function voidMovement(put: { transactionId: string; client: AccountId; sizeBytes: number }): Movement {
  return {
    kind: 'void',
    transactionId: put.transactionId,
    debit: purseOf('reserved', put.client),
    credit: purseOf('available', put.client),
    amount: BigInt(put.sizeBytes),
  };
}

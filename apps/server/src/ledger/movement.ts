// The words of the ledger: who has credit, and what moves it. Amounts are bytes of backup, as bigint.
import { strict as assert } from 'node:assert';
import type { AccountId } from '#protocol';

/** What an account has: free to spend, set aside for puts under way, spent on what is stored, earned on probation. */
export const PURSES = ['available', 'reserved', 'used', 'withheld'] as const;
export type Purse = (typeof PURSES)[number];

/** A purse that no new account has: credit for hosting was kept apart there, and is only in entries of that time. */
const PAST_PURSE = 'earned';

/** Where all credit comes from; its balance is what is in the world, negated. */
export const ISSUANCE = 'issuance';

export type LedgerAccount = `${Purse | typeof PAST_PURSE}:${AccountId}` | typeof ISSUANCE;

export const purseOf = (purse: Purse, accountId: AccountId): LedgerAccount => `${purse}:${accountId}`;

type Side = Purse | typeof PAST_PURSE | typeof ISSUANCE;

/** From where to where each kind moves credit; `adjust`, by the operator's hand, from anywhere to anywhere. */
const WAYS = {
  grant: [[ISSUANCE, 'available']],
  reserve: [['available', 'reserved']],
  settle: [
    ['reserved', 'used'],
    ['available', 'used'],
  ],
  void: [['reserved', 'available']],
  release: [['used', 'available']],
  earn: [[ISSUANCE, 'available']],
  withhold: [[ISSUANCE, 'withheld']],
  vest: [['withheld', 'available']],
  lapse: [['available', ISSUANCE]],
  forfeit: [['withheld', ISSUANCE]],
  adjust: null,
  // What a relay carried, from who asked for it to the relay's owner.
  carry: [['available', 'available']],
  // Made by no code: entries of the time when a settled put paid its host.
  pay: [
    ['reserved', PAST_PURSE],
    ['available', PAST_PURSE],
  ],
} as const satisfies Record<string, readonly (readonly [Side, Side])[] | null>;

/** Kinds that move credit from one account to another one's. */
const BETWEEN_OWNERS: ReadonlySet<string> = new Set(['carry', 'pay']);

export type MovementKind = keyof typeof WAYS;
export const MOVEMENT_KINDS = Object.keys(WAYS) as readonly MovementKind[];

/** One movement of credit. Its id and its kind are its identity: it happens once, with one content. */
export interface Movement {
  readonly kind: MovementKind;
  /** Of a transaction; of an account for its grant; else one that its maker gives. */
  readonly transactionId: string;
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  /** At least 1. */
  readonly amount: bigint;
  /** Why, for what a person does. */
  readonly reason?: string;
}

/** Does a movement of this kind go from one of these accounts to the other, and but for the world stay with one owner? */
export function isItsWay({ kind, debit, credit }: Pick<Movement, 'kind' | 'debit' | 'credit'>): boolean {
  const ways: readonly (readonly [Side, Side])[] | null | undefined = WAYS[kind];
  if (ways === undefined || debit === credit) return false;
  if (ways === null) return true;
  const [from, giver] = sidesOf(debit);
  const [to, taker] = sidesOf(credit);
  const isOwn = giver === null || taker === null || giver === taker || BETWEEN_OWNERS.has(kind);
  return isOwn && ways.some(([left, right]) => left === from && right === to);
}

function sidesOf(account: LedgerAccount): [side: string, owner: string | null] {
  const at = account.indexOf(':');
  return at < 0 ? [account, null] : [account.slice(0, at), account.slice(at + 1)];
}

/** A put sets its client's credit aside. */
export function reserveMovement(put: { transactionId: string; client: AccountId; charge: number }): Movement {
  return {
    kind: 'reserve',
    transactionId: put.transactionId,
    debit: purseOf('available', put.client),
    credit: purseOf('reserved', put.client),
    amount: BigInt(put.charge),
  };
}

/** A put that happened costs its client; from what is free when its reservation has been given back. */
export function settleMovement(put: {
  transactionId: string;
  client: AccountId;
  charge: number;
  from: 'reserved' | 'available';
}): Movement {
  return {
    kind: 'settle',
    transactionId: put.transactionId,
    debit: purseOf(put.from, put.client),
    credit: purseOf('used', put.client),
    amount: BigInt(put.charge),
  };
}

/** A put that never happened gives its reservation back. */
export function voidMovement(put: { transactionId: string; client: AccountId; charge: number }): Movement {
  return {
    kind: 'void',
    transactionId: put.transactionId,
    debit: purseOf('reserved', put.client),
    credit: purseOf('available', put.client),
    amount: BigInt(put.charge),
  };
}

/** What is stored no more is paid no more. */
export function releaseMovement(of: { id: string; owner: AccountId; charge: bigint }): Movement {
  return {
    kind: 'release',
    transactionId: of.id,
    debit: purseOf('used', of.owner),
    credit: purseOf('available', of.owner),
    amount: of.charge,
  };
}

/** What the operator puts right. `reason` is kept with the entry. */
export function adjustMovement(of: {
  id: string;
  debit: LedgerAccount;
  credit: LedgerAccount;
  amount: bigint;
  reason: string;
}): Movement {
  const { id: transactionId, debit, credit, amount, reason } = of;
  // The database keeps well-formed text only, and the hash of the entry covers this one.
  assert(!/\p{Surrogate}/u.test(reason));
  assert(reason.length > 0);
  return { kind: 'adjust', transactionId, debit, credit, amount, reason };
}

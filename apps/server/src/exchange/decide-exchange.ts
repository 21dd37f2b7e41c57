// What hosting earns (B22): credit follows proved bytes times time, up and down, once a day. Pure.
import { strict as assert } from 'node:assert';
import type { AccountId } from '#protocol';
import { ISSUANCE, type Movement, type MovementKind, purseOf } from '../ledger/movement.js';

const DAY_HOURS = 24;

/** Bytes that hosts of an account proved to hold for others, times hours, within the window. */
export interface ProvedBytes {
  /** By machines that have passed their probation. */
  readonly earnedByteHours: bigint;
  /** By machines that are on it: theirs waits. */
  readonly withheldByteHours: bigint;
}

/** Credit that hosting is worth: so many bytes on average over the window. */
export interface Allowance {
  readonly earned: bigint;
  readonly withheld: bigint;
}

/** One byte of credit for one byte that was there all of the window; a host's first day counts as one of its days. */
export function decideAllowance(proved: ProvedBytes, windowDays: number): Allowance {
  const hours = BigInt(windowDays * DAY_HOURS);
  return { earned: proved.earnedByteHours / hours, withheld: proved.withheldByteHours / hours };
}

/** May what a host holds count for this hour, and for whom? */
export function decideHour(host: {
  readonly isReachable: boolean;
  readonly isInGoodStanding: boolean;
  readonly isOnProbation: boolean;
}): 'earned' | 'withheld' | 'nothing' {
  if (!host.isReachable || !host.isInGoodStanding) return 'nothing';
  return host.isOnProbation ? 'withheld' : 'earned';
}

export interface ExchangeDecision {
  readonly movements: readonly Movement[];
  /** What has been granted in all from then on. */
  readonly granted: bigint;
  /** What was to lapse and is spent: it lapses as soon as there is free credit, so who owes has none. */
  readonly owed: bigint;
}

/**
 * The movements that bring an account to its allowance. What a machine earned on probation is its account's when the
 * machine passes, and nobody's when it does not. What lapses is taken from what is free; the rest of it another day: what
 * is stored stays.
 *
 * granted            what hosting was given before, less what lapsed
 * available, withheld   the account's purses
 * day                days since 1970; an account's movements of one day have one name
 */
export function decideExchange(account: {
  readonly accountId: AccountId;
  readonly day: number;
  readonly allowance: Allowance;
  readonly granted: bigint;
  readonly available: bigint;
  readonly withheld: bigint;
}): ExchangeDecision {
  const { accountId, day, allowance } = account;
  assert(account.granted >= 0n);
  const movements: Movement[] = [];
  const available = purseOf('available', accountId);
  const withheld = purseOf('withheld', accountId);
  const move = (kind: MovementKind, debit: Movement['debit'], credit: Movement['credit'], amount: bigint): void => {
    if (amount > 0n) movements.push({ kind, transactionId: `${accountId}/${day}`, debit, credit, amount });
  };
  const missing = greater(allowance.earned - account.granted, 0n);
  const over = greater(account.granted - allowance.earned, 0n);
  const leaving = greater(account.withheld - allowance.withheld, 0n);
  const vested = lesser(leaving, missing);
  const lapsed = lesser(over, account.available);
  move('vest', withheld, available, vested);
  move('forfeit', withheld, ISSUANCE, leaving - vested);
  move('earn', ISSUANCE, available, missing - vested);
  move('lapse', available, ISSUANCE, lapsed);
  move('withhold', ISSUANCE, withheld, allowance.withheld - account.withheld);
  return { movements, granted: account.granted + missing - lapsed, owed: over - lapsed };
}

function greater(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function lesser(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

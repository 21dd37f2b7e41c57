// What a token of several uses (stream, universal) may still do, decided from what it has done (SPEC §4.5). Pure.
import { strict as assert } from 'node:assert';
import { type ErrorCode, TOKEN_USES_MAX } from '#protocol';
import { refusalOfToken, type TokenSituation } from './replay-rules.js';

export interface TokenBudget {
  /** Uses that have begun; each has its number, from 1. */
  readonly uses: number;
  /** By the uses that have ended. */
  readonly movedBytes: number;
  /** Reserved by the uses that run, and by those that a crash ended, for good. */
  readonly heldBytes: number;
}

export interface UseSituation extends TokenSituation {
  /** undefined for a token that was never seen. */
  readonly budget: TokenBudget | undefined;
  readonly maxBytes: number;
  /** None for a stream: its bytes end it. */
  readonly maxUses: number | undefined;
  /** Most that this use can move. */
  readonly bytes: number;
}

export type UseDecision =
  | { readonly ok: true; readonly next: TokenBudget }
  | { readonly ok: false; readonly code: ErrorCode };

const UNUSED: TokenBudget = { uses: 0, movedBytes: 0, heldBytes: 0 };

/**
 * May this token be used once more?
 *
 * returns  token_budget_spent, or what refusalOfToken names, when not
 * source   SPEC §4.5
 */
export function decideUse({ budget = UNUSED, ...situation }: UseSituation): UseDecision {
  const refusal = refusalOfToken(situation);
  if (refusal !== null) return { ok: false, code: refusal };
  const { uses, movedBytes, heldBytes } = budget;
  const isSpent =
    uses >= Math.min(situation.maxUses ?? TOKEN_USES_MAX, TOKEN_USES_MAX) ||
    situation.bytes > situation.maxBytes - movedBytes - heldBytes;
  if (isSpent) return { ok: false, code: 'token_budget_spent' };
  return { ok: true, next: { uses: uses + 1, movedBytes, heldBytes: heldBytes + situation.bytes } };
}

/** What is left of a reservation goes back; what moved is spent. */
export function useEnded(budget: TokenBudget, use: { heldBytes: number; movedBytes: number }): TokenBudget {
  assert(use.movedBytes <= use.heldBytes, 'a use moved more than it had reserved');
  const heldBytes = budget.heldBytes - use.heldBytes;
  assert(heldBytes >= 0);
  return { ...budget, movedBytes: budget.movedBytes + use.movedBytes, heldBytes };
}

/** A use that nobody heard of: its number is free again, unless a later one has been given. */
export function useUndone(budget: TokenBudget, use: { number: number; heldBytes: number }): TokenBudget {
  const uses = budget.uses === use.number ? budget.uses - 1 : budget.uses;
  return { ...useEnded(budget, { heldBytes: use.heldBytes, movedBytes: 0 }), uses };
}

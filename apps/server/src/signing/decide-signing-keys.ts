// Which of the broker's keys of one use signs now, which are told, and whether the next one is due. Pure.
import type { StatementKind } from '#protocol';
import { SIGNING_KEY_ANNOUNCED_MS, SIGNING_KEYS_PER_USE_MAX } from '../limits.js';

const DAY_MS = 24 * 60 * 60_000;

/** How long a key is told after it signed for the last time: nothing that it signed has to hold for longer. */
const TOLD_AFTER_MS: Readonly<Record<StatementKind, number>> = {
  lease: 7 * DAY_MS,
  approval: 7 * DAY_MS,
  release: 400 * DAY_MS,
};

export interface AgedKey {
  readonly kid: string;
  readonly createdAtMs: number;
}

export interface SigningDecision<K extends AgedKey> {
  /** Null where there is no key at all. */
  readonly signing: K | null;
  /** Newest first. */
  readonly told: readonly K[];
  /** Not needed by anybody any more. */
  readonly over: readonly K[];
  readonly isNextDue: boolean;
}

/**
 * A key is told for SIGNING_KEY_ANNOUNCED_MS before it signs, so that whoever checks knows it by then; the first of all
 * signs at once, for there is no other.
 *
 * keys   all of one use, in any order
 */
export function decideSigningKeys<K extends AgedKey>(
  keys: readonly K[],
  of: { readonly use: StatementKind; readonly keyLifeMs: number; readonly nowMs: number },
): SigningDecision<K> {
  const { use, keyLifeMs, nowMs } = of;
  const newestFirst = keys.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.kid < b.kid ? 1 : -1));
  const newest = newestFirst[0];
  if (newest === undefined) return { signing: null, told: [], over: [], isNextDue: true };
  const known = newestFirst.find(({ createdAtMs }) => createdAtMs + SIGNING_KEY_ANNOUNCED_MS <= nowMs);
  const isOver = (place: number): boolean => {
    const successor = newestFirst[place - 1];
    if (successor === undefined) return false;
    if (place >= SIGNING_KEYS_PER_USE_MAX) return true;
    return successor.createdAtMs + SIGNING_KEY_ANNOUNCED_MS + TOLD_AFTER_MS[use] <= nowMs;
  };
  return {
    signing: known ?? newestFirst.at(-1)!,
    told: newestFirst.filter((_, place) => !isOver(place)),
    over: newestFirst.filter((_, place) => isOver(place)),
    isNextDue: newest.createdAtMs + keyLifeMs - SIGNING_KEY_ANNOUNCED_MS <= nowMs,
  };
}

// What the replay list allows, decided from what it remembers. Pure.
import {
  CLOCK_SKEW_MS_MAX,
  type ErrorCode,
  TOKEN_LIFE_LONG_MS_MAX,
  TOKEN_RELEASES_MAX,
  type TokenItem,
  type UnixMs,
} from '#protocol';

/** What is remembered of one token. `burned` outranks `claimed`; `releases` counts the times the network cut it off. */
export interface TokenEntry {
  readonly phase: 'claimed' | 'released' | 'burned';
  readonly releases: number;
  /** A batch of which something is done: what is known of it was durable from there on, and a crash loses none of it. */
  readonly begun: boolean;
}

/** What is asked of every token, whatever it is for. */
export interface TokenSituation {
  readonly isKnown: boolean;
  readonly issuedAtMs: UnixMs;
  readonly expiresAtMs: UnixMs;
  /** Tokens that expire at or before it have been forgotten. */
  readonly horizonMs: UnixMs;
  /** Tokens issued before it may have been known to what is lost; null when the last process ended well. */
  readonly issuedAtMsMin: UnixMs | null;
  /** Whether the broker must first say that this home has forgotten nothing. */
  readonly isHeldBack: boolean;
  readonly isFull: boolean;
}

export interface ClaimSituation extends Omit<TokenSituation, 'isKnown'> {
  /** undefined for a token that was never seen. */
  readonly entry: TokenEntry | undefined;
}

export type ClaimDecision =
  | { readonly ok: true; readonly next: TokenEntry }
  | { readonly ok: false; readonly code: ErrorCode };

/**
 * May this token be claimed?
 *
 * returns  token_burned | token_in_use | token_released_too_often, or what refusalOfToken names, when not
 * source   SPEC §4.5
 */
export function decideClaim(situation: ClaimSituation): ClaimDecision {
  const { entry } = situation;
  if (entry?.phase === 'burned') return { ok: false, code: 'token_burned' };
  if (entry?.phase === 'claimed') return { ok: false, code: 'token_in_use' };
  const refusal = refusalOfToken({ ...situation, isKnown: entry !== undefined });
  if (refusal !== null) return { ok: false, code: refusal };
  const releases = entry?.releases ?? 0;
  if (releases > TOKEN_RELEASES_MAX) return { ok: false, code: 'token_released_too_often' };
  return { ok: true, next: tokenEntry('claimed', releases, entry?.begun) };
}

/** token_expired | token_predates_restart | host_unconfirmed | replay_list_full; null when none of them applies. */
export function refusalOfToken(situation: TokenSituation): ErrorCode | null {
  if (situation.expiresAtMs <= situation.horizonMs) return 'token_expired';
  if (situation.issuedAtMsMin !== null && situation.issuedAtMs < situation.issuedAtMsMin)
    return 'token_predates_restart';
  if (situation.isHeldBack) return 'host_unconfirmed';
  return !situation.isKnown && situation.isFull ? 'replay_list_full' : null;
}

/** What a presentation of a batch did before it was cut off. */
export interface BatchProgress {
  /** More items are done than before it. */
  readonly hasProgressed: boolean;
  /** In all presentations together the token has moved more bytes than it may. */
  readonly isOverBudget: boolean;
}

/**
 * What a claimed token is after the network cut it off. One release more than allowed, and it is never claimed again.
 * For a batch only those in a row count that brought it no further: one that lives for a day outlives many cut-offs.
 * What it may move in all is bounded beside that, since a client that reads and says that it did not makes progress too.
 */
export function released(entry: TokenEntry, batch?: BatchProgress): TokenEntry {
  if (batch?.isOverBudget) return tokenEntry('released', TOKEN_RELEASES_MAX + 1, entry.begun);
  return tokenEntry('released', batch?.hasProgressed ? 0 : entry.releases + 1, entry.begun);
}

/** A token that is cut off as often as it may be moves its items so many times; a batch moves no more than that. */
export function batchBytesMax(items: readonly TokenItem[]): number {
  return (1 + TOKEN_RELEASES_MAX) * items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** What expires after this, seen from a horizon of late, is a token of a recovery kit: no other lives so long. */
export function livesLongFrom(horizonMs: UnixMs): UnixMs {
  return horizonMs + 4 * CLOCK_SKEW_MS_MAX + TOKEN_LIFE_LONG_MS_MAX;
}

export function isSpent(entry: TokenEntry): boolean {
  return entry.phase === 'released' && entry.releases > TOKEN_RELEASES_MAX;
}

/** Tokens that expire at or before this can pass no check of times any more, on any clock within the skew. */
export function horizonAt(brokerNowMs: UnixMs): UnixMs {
  return brokerNowMs - 2 * CLOCK_SKEW_MS_MAX;
}

/** Entries are shared: there are few different ones, and a list may hold a million. */
export function tokenEntry(phase: TokenEntry['phase'], releases: number, begun = false): TokenEntry {
  const known = shared.get(`${phase} ${releases} ${begun}`);
  return known ?? { phase, releases, begun };
}

const shared = new Map<string, TokenEntry>();
for (const phase of ['claimed', 'released', 'burned'] as const) {
  for (let releases = 0; releases <= TOKEN_RELEASES_MAX + 1; releases++) {
    for (const begun of [false, true]) {
      shared.set(`${phase} ${releases} ${begun}`, Object.freeze({ phase, releases, begun }));
    }
  }
}

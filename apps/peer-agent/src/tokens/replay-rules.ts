// What the replay list allows, decided from what it remembers. Pure.
import { CLOCK_SKEW_MS_MAX, type ErrorCode, TOKEN_RELEASES_MAX, type UnixMs } from '#protocol';

/** What is remembered of one token. `burned` outranks `claimed`; `releases` counts the times the network cut it off. */
export interface TokenEntry {
  readonly phase: 'claimed' | 'released' | 'burned';
  readonly releases: number;
}

export interface ClaimSituation {
  /** undefined for a token that was never seen. */
  readonly entry: TokenEntry | undefined;
  readonly issuedAtMs: UnixMs;
  readonly expiresAtMs: UnixMs;
  /** Tokens that expire at or before it have been forgotten. */
  readonly horizonMs: UnixMs;
  /** Tokens issued before it were known to a process that ended uncleanly; null when the last one ended well. */
  readonly issuedAtMsMin: UnixMs | null;
  readonly isFull: boolean;
}

export type ClaimDecision =
  | { readonly ok: true; readonly next: TokenEntry }
  | { readonly ok: false; readonly code: ErrorCode };

/**
 * May this token be claimed?
 *
 * returns  token_burned | token_in_use | token_expired | token_predates_restart | token_released_too_often |
 *          replay_list_full when not
 * source   SPEC §4.5
 */
export function decideClaim(situation: ClaimSituation): ClaimDecision {
  const { entry } = situation;
  if (entry?.phase === 'burned') return { ok: false, code: 'token_burned' };
  if (entry?.phase === 'claimed') return { ok: false, code: 'token_in_use' };
  if (situation.expiresAtMs <= situation.horizonMs) return { ok: false, code: 'token_expired' };
  if (situation.issuedAtMsMin !== null && situation.issuedAtMs < situation.issuedAtMsMin) {
    return { ok: false, code: 'token_predates_restart' };
  }
  const releases = entry?.releases ?? 0;
  if (releases > TOKEN_RELEASES_MAX) return { ok: false, code: 'token_released_too_often' };
  if (entry === undefined && situation.isFull) return { ok: false, code: 'replay_list_full' };
  return { ok: true, next: tokenEntry('claimed', releases) };
}

/** What a claimed token is after the network cut it off. One release more than allowed, and it is never claimed again. */
export function released(entry: TokenEntry): TokenEntry {
  return tokenEntry('released', entry.releases + 1);
}

export function isSpent(entry: TokenEntry): boolean {
  return entry.phase === 'released' && entry.releases > TOKEN_RELEASES_MAX;
}

/** Tokens that expire at or before this can pass no check of times any more, on any clock within the skew. */
export function horizonAt(brokerNowMs: UnixMs): UnixMs {
  return brokerNowMs - 2 * CLOCK_SKEW_MS_MAX;
}

/** Entries are shared: there are few different ones, and a list may hold a million. */
export function tokenEntry(phase: TokenEntry['phase'], releases: number): TokenEntry {
  const known = shared.get(`${phase} ${releases}`);
  return known ?? { phase, releases };
}

const shared = new Map<string, TokenEntry>();
for (const phase of ['claimed', 'released', 'burned'] as const) {
  for (let releases = 0; releases <= TOKEN_RELEASES_MAX + 1; releases++) {
    shared.set(`${phase} ${releases}`, Object.freeze({ phase, releases }));
  }
}

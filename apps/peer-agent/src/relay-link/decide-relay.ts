// Does this peer need a relay, and another one than it has? Pure.
import type { PeerId, UnixMs } from '#protocol';
import { RELAY_DIRECT_MS, RELAY_USELESS_MS_MAX, RELAY_USELESS_MS_MIN } from '../limits.js';

/** `auto`: while the broker cannot connect to this peer. */
export const RELAY_MODES = ['auto', 'always', 'never'] as const;
export type RelayMode = (typeof RELAY_MODES)[number];

/** Why a peer uses a relay, or why not. */
export type RelayReason = 'always' | 'not_reachable' | 'perhaps_reachable' | 'never' | 'reachable' | 'not_known';

export interface RelayDecision {
  readonly isWanted: boolean;
  readonly reason: RelayReason;
}

export interface RelayFacts {
  readonly mode: RelayMode;
  /** What was decided last, also before a restart. */
  readonly isWanted: boolean;
  /** Does the broker connect to this peer without a relay? Null while it did not say. */
  readonly direct: boolean | null;
  /** Since when it has said so each time; by the same clock as nowMs. */
  readonly directSinceMs: UnixMs;
  readonly nowMs: UnixMs;
}

/**
 * One word of the broker that it cannot connect is enough to want a relay: it asks several times before it says so. To do
 * without one again takes longer, so that a line that comes and goes does not move the peer's clients each time.
 */
export function decideRelay({ mode, isWanted, direct, directSinceMs, nowMs }: RelayFacts): RelayDecision {
  if (mode !== 'auto') return { isWanted: mode === 'always', reason: mode };
  if (direct === false) return { isWanted: true, reason: 'not_reachable' };
  if (!isWanted) return { isWanted: false, reason: direct === null ? 'not_known' : 'reachable' };
  if (direct === null) return { isWanted: true, reason: 'not_reachable' };
  const hasLasted = nowMs - directSinceMs >= RELAY_DIRECT_MS;
  return hasLasted ? { isWanted: false, reason: 'reachable' } : { isWanted: true, reason: 'perhaps_reachable' };
}

/** The broker's answers in a row that it does not reach this peer through one relay; times by a monotonic clock. */
export interface Unreached {
  readonly relayId: PeerId;
  readonly firstMs: UnixMs;
  readonly lastMs: UnixMs;
}

export interface UseFacts {
  /** The relay that this peer is attached to. */
  readonly relayId: PeerId;
  /** Null where the last answer did not say so. */
  readonly unreached: Unreached | null;
  /** How often another relay was looked for since the broker last reached this peer, and when. */
  readonly looks: number;
  readonly lookedAtMs: UnixMs;
}

/**
 * A relay may be there and carry nothing. It may also not be its fault: each look for another is followed by a longer wait,
 * so that a peer that no relay helps does not go round all of them.
 */
export function isRelayUseless({ relayId, unreached, looks, lookedAtMs }: UseFacts): boolean {
  if (unreached?.relayId !== relayId) return false;
  const waitMs = Math.min(RELAY_USELESS_MS_MIN * 2 ** looks, RELAY_USELESS_MS_MAX);
  return unreached.lastMs - Math.max(unreached.firstMs, lookedAtMs) >= waitMs;
}

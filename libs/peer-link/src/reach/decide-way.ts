// Which ways to a peer are tried, and in which order: the local network, then directly, then through its relay. Pure.
import { DIRECT_HEAD_START_MS, DIRECT_REST_MS, LAN_HEAD_START_MS, LAN_REST_MS, ONLY_WAY_REST_MS } from '../limits.js';

export type Way = 'lan' | 'direct' | 'relay';

/**
 * Why a way is in use. `neighbour`: the peer is on the local network; `direct_answers`: nothing stands in between;
 * `only_way`: the broker says so, and it was not tried since; `direct_failed`, `direct_slow`: it was tried.
 */
export type WayReason = 'neighbour' | 'direct_answers' | 'only_way' | 'direct_failed' | 'direct_slow';

export interface WayFacts {
  /** The peer is known to be a neighbour. */
  readonly hasLan: boolean;
  readonly relay: { readonly isOnlyWay: boolean } | null;
  /** When the way failed last, or came too late; null when it did not. By the clock of nowMs, as all times here. */
  readonly lanFailedMs: number | null;
  readonly directFailedMs: number | null;
  /** When this peer was met first. */
  readonly metMs: number;
  readonly nowMs: number;
}

export interface WayStep {
  readonly way: Way;
  /** How long it is waited for before the next one is begun beside it; what fails is followed at once. */
  readonly headStartMs: number;
}

/**
 * At least one step. A way that failed rests for a while, unless nothing else is left.
 *
 * source   RFC 8305 (Happy Eyeballs) §5: the preferred one first, the others a little later, the first to stand wins
 */
export function decideWays(facts: WayFacts): readonly WayStep[] {
  const { hasLan, relay, lanFailedMs, directFailedMs, metMs, nowMs } = facts;
  const rests = (sinceMs: number | null, restMs: number): boolean => sinceMs !== null && nowMs - sinceMs < restMs;
  const steps: WayStep[] = [];
  if (hasLan && !rests(lanFailedMs, LAN_REST_MS)) steps.push({ way: 'lan', headStartMs: LAN_HEAD_START_MS });
  const directRests =
    relay !== null &&
    (relay.isOnlyWay
      ? rests(Math.max(metMs, directFailedMs ?? metMs), ONLY_WAY_REST_MS)
      : rests(directFailedMs, DIRECT_REST_MS));
  if (!directRests) steps.push({ way: 'direct', headStartMs: DIRECT_HEAD_START_MS });
  if (relay !== null) steps.push({ way: 'relay', headStartMs: 0 });
  return steps;
}

/** Is there a better way than the one in use that is worth a try now? */
export function isUpwardDue(inUse: Way | null, facts: WayFacts): boolean {
  if (inUse === null || inUse === 'lan') return false;
  const first = decideWays(facts)[0]?.way;
  return first === 'lan' || (inUse === 'relay' && first === 'direct');
}

/** Why the way that won is in use. failed: ways that were tried with it and failed; tried: all that were begun */
export function reasonOf(way: Way, tried: readonly Way[], failed: readonly Way[], before: WayReason | null): WayReason {
  if (way !== 'relay') return way === 'lan' ? 'neighbour' : 'direct_answers';
  if (failed.includes('direct')) return 'direct_failed';
  if (tried.includes('direct')) return 'direct_slow';
  // It rests: what was found then still holds.
  return before === 'direct_failed' || before === 'direct_slow' ? before : 'only_way';
}

// What a host's shards count for in repair: there, shortly away, to be moved, or missed. Pure.

import type { PeerState } from '#protocol';
import type { Policy } from '../config/policy.js';
import { mayHost } from '../peers/peer-standing.js';

/** `leaving`: its shards are there, and are to be moved; `missed`: what it had counts as lost. */
export type HostStanding = 'there' | 'away' | 'leaving' | 'missed';

export interface HostSeen {
  readonly state: PeerState;
  readonly seenAtMs: number | null;
  readonly isOnline: boolean;
}

/**
 * After a start nobody is there yet, and the broker itself may have been away for long: nobody is missed before hosts have
 * had the time to speak.
 */
export function isStarting(
  { presenceTtlMs }: Pick<Policy, 'presenceTtlMs'>,
  { nowMs, startedAtMs }: { readonly nowMs: number; readonly startedAtMs: number },
): boolean {
  return nowMs - startedAtMs < 2 * presenceTtlMs;
}

export function standingOf(
  { state, seenAtMs, isOnline }: HostSeen,
  { nowMs, missedAfterMs }: { readonly nowMs: number; readonly missedAfterMs: number },
): HostStanding {
  if (!mayHost(state)) return 'missed';
  const isSilent = !isOnline && nowMs - (seenAtMs ?? 0) >= missedAfterMs;
  if (isSilent) return 'missed';
  if (state === 'leaving') return 'leaving';
  return isOnline ? 'there' : 'away';
}

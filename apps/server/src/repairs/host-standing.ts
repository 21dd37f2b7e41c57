// What a host's shards count for in repair: there, shortly away, to be moved, or missed. Pure.

import type { PeerState } from '#protocol';
import { mayHost } from '../peers/peer-standing.js';

/** `leaving`: its shards are there, and are to be moved; `missed`: what it had counts as lost. */
export type HostStanding = 'there' | 'away' | 'leaving' | 'missed';

export interface HostSeen {
  readonly state: PeerState;
  readonly seenAtMs: number | null;
  readonly isOnline: boolean;
}

export function standingOf(
  { state, seenAtMs, isOnline }: HostSeen,
  { nowMs, missedAfterMs }: { readonly nowMs: number; readonly missedAfterMs: number },
): HostStanding {
  if (!mayHost(state)) return 'missed';
  const isSilent = !isOnline && (seenAtMs === null || nowMs - seenAtMs >= missedAfterMs);
  if (isSilent) return 'missed';
  if (state === 'leaving') return 'leaving';
  return isOnline ? 'there' : 'away';
}

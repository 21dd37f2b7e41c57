// How `status` tells about relays: which one is in use, since when and why, and what went wrong.
import { type ErrorCode, formatTime, type PeerId } from '#protocol';
import type { RelayReason } from '../relay-link/decide-relay.js';
import type { RelayState } from '../relay-link/relay-state.js';

export interface HostRelay {
  readonly isWanted: boolean;
  /** Why this peer uses a relay, or why not. */
  readonly reason: RelayReason;
  readonly relayId: PeerId | null;
  /** `address:port` of the relay. */
  readonly place: string | null;
  /** Since when it is attached, or is not. */
  readonly since: string | null;
  /** Times that it was attached and lost its relay, ever; tries in a row that failed, and with which code the last one. */
  readonly attached: number;
  readonly lost: number;
  readonly failures: number;
  readonly code: ErrorCode | null;
}

/** Of a home whose agent has not run. */
export const NO_RELAY: HostRelay = {
  isWanted: false,
  reason: 'not_known',
  relayId: null,
  place: null,
  since: null,
  attached: 0,
  lost: 0,
  failures: 0,
  code: null,
};

const REASONS: Readonly<Record<RelayReason, string>> = {
  always: 'the agent was told to use one always',
  not_reachable: 'the broker cannot connect to this machine',
  perhaps_reachable: 'the broker connects to this machine, and not for long yet',
  never: 'the agent was told to use none',
  reachable: 'the broker connects to this machine without one',
  not_known: 'nothing is known yet',
};

export function relayFrom({ relay, sinceMs, ...state }: RelayState): HostRelay {
  const place = relay === null ? null : `${relay.address}:${relay.port}`;
  return { ...state, relayId: relay?.relayId ?? null, place, since: sinceMs === 0 ? null : formatTime(sinceMs) };
}

export function describeRelay(relay: HostRelay): string {
  const { isWanted, reason, relayId, place, since, lost, failures, code } = relay;
  const why = REASONS[reason];
  if (!isWanted) return `none: ${why}`;
  const troubles = [
    ...(lost > 0 ? [`lost its relay ${lost} times so far`] : []),
    ...(failures > 0 ? [`${failures} tries failed (${code})`] : []),
  ];
  const now = relayId === null ? 'none, though one is needed' : `${place} (${relayId}) since ${since}`;
  return [`${now}: ${why}`, ...troubles].join('; ');
}

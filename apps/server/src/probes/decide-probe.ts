// Which hosts are due to be probed, and what a probe changes: who is believed to be reachable, and who is not. Pure.
import type { ErrorCode, PeerId, ProbeAnswer } from '#protocol';
import { PROBE_PAUSE_MS_MAX, PROBE_PAUSE_MS_MIN, PROBE_WITNESS_WINDOW_MS, PROBE_WITNESSES_MIN } from '../limits.js';

/** What is known of a host at one address and port, and through one relay or none. */
export interface ProbeRecord {
  readonly address: string;
  readonly port: number;
  readonly relayId: PeerId | null;
  /** In a row, since it last answered. */
  readonly failures: number;
  readonly reason: ErrorCode | null;
  readonly probedAtMs: number;
  readonly provedAtMs: number | null;
  readonly dueAtMs: number;
  readonly program: string | null;
  readonly freeBytes: number | null;
}

/**
 * good    it answered, or refused as only a host that is there can: its certificate was checked before it spoke
 * lost    nobody answered: the host's fault, or that of the broker's network
 * wrong   somebody answered, and that was not this host, or no host that takes the broker's tokens
 */
export type ProbeOutcome =
  | { readonly kind: 'good'; readonly answer: ProbeAnswer | null }
  | { readonly kind: 'lost' | 'wrong'; readonly code: ErrorCode };

/** `unproved` until the first good probe; `unreachable` after too many failed ones in a row. Only `reachable` is chosen. */
export type Standing = 'unproved' | 'reachable' | 'unreachable';

export interface ProbePolicy {
  readonly probeIntervalMs: number;
  readonly probeFailuresMax: number;
  readonly probeLostShareMax: number;
}

interface Place {
  readonly address: string;
  readonly port: number;
  readonly relayId: PeerId | null;
}

/** Nobody answered for the host: the way to it was not there, or the relay on it had no room. */
const LOST: ReadonlySet<ErrorCode> = new Set([
  'peer_unreachable',
  'peer_not_attached',
  'relay_full',
  'lease_invalid',
  'lease_wrong_relay',
  'lease_wrong_peer',
  'lease_expired',
  'lease_spent',
]);

/** Refusals of a host that is there and takes no token just now. */
const THERE: ReadonlySet<ErrorCode> = new Set([
  'token_predates_restart',
  'host_unconfirmed',
  'host_busy',
  'replay_list_full',
  'token_not_yet_valid',
]);

/** isRelayed   the host was asked through a relay: where that stands is not the host's word */
export function outcomeOfRefusal(code: ErrorCode, { isRelayed }: { readonly isRelayed: boolean }): ProbeOutcome {
  if (THERE.has(code)) return { kind: 'good', answer: null };
  const isLost = LOST.has(code) || (isRelayed && code === 'host_address_refused');
  return { kind: isLost ? 'lost' : 'wrong', code };
}

/** The record, if it is about this place: what was proved elsewhere proves nothing here. */
export function recordAt(record: ProbeRecord | undefined, at: Place): ProbeRecord | null {
  if (record === undefined) return null;
  const isThere = record.address === at.address && record.port === at.port && record.relayId === at.relayId;
  return isThere ? record : null;
}

export function standingOf(record: ProbeRecord | null, { probeFailuresMax }: ProbePolicy): Standing {
  if (record === null || record.provedAtMs === null) return 'unproved';
  return record.failures >= probeFailuresMax ? 'unreachable' : 'reachable';
}

export function isDue(record: ProbeRecord | null, nowMs: number): boolean {
  return record === null || nowMs >= record.dueAtMs;
}

/** Whom to ask first, for sort: of whom nothing is known, then those with fewer failures, then those that wait longer. */
export function inOrderToAsk(a: ProbeRecord | null, b: ProbeRecord | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  return a.failures - b.failures || a.dueAtMs - b.dueAtMs;
}

/**
 * What is known after a probe.
 *
 * isBlind   the broker's own network seems to be down: a lost probe says nothing about the host
 * random    in [0, 1): spreads the next probes
 */
export function recordAfter(
  before: ProbeRecord | null,
  at: Place,
  outcome: ProbeOutcome,
  now: { readonly nowMs: number; readonly isBlind: boolean; readonly random: number; readonly policy: ProbePolicy },
): ProbeRecord {
  const { nowMs, isBlind, random, policy } = now;
  const { address, port, relayId } = at;
  const place = { address, port, relayId };
  const told = { program: before?.program ?? null, freeBytes: before?.freeBytes ?? null };
  if (outcome.kind === 'good') {
    if (outcome.answer !== null) {
      told.program = outcome.answer.program;
      told.freeBytes = outcome.answer.freeBytes;
    }
    // A host that took no token just now is asked again soon for what it did not tell.
    const waitMs = outcome.answer === null ? pauseMs(0, policy) : policy.probeIntervalMs;
    const dueAtMs = nowMs + spread(waitMs, random);
    return { ...place, failures: 0, reason: null, probedAtMs: nowMs, provedAtMs: nowMs, dueAtMs, ...told };
  }
  const counts = outcome.kind === 'wrong' || !isBlind;
  const failures = (before?.failures ?? 0) + (counts ? 1 : 0);
  const dueAtMs = nowMs + spread(pauseMs(failures, policy), random);
  const provedAtMs = before?.provedAtMs ?? null;
  return { ...place, failures, reason: outcome.code, probedAtMs: nowMs, provedAtMs, dueAtMs, ...told };
}

/** A probe of a host that was believed to be reachable; the newest of each host counts. */
export interface Witness {
  readonly atMs: number;
  readonly isLost: boolean;
}

/** The probes that are new enough to tell of the broker's network as it is now. */
export function recentWitnesses<T extends Witness>(witnesses: readonly T[], nowMs: number): T[] {
  return witnesses.filter(({ atMs }) => nowMs - atMs <= PROBE_WITNESS_WINDOW_MS);
}

/**
 * Is it the broker that cannot reach anybody? With fewer than PROBE_WITNESSES_MIN hosts nobody can tell, and a failure is
 * taken as the host's: its messages still arrive, or it would not be probed.
 */
export function isBrokerBlind(witnesses: readonly Witness[], { probeLostShareMax }: ProbePolicy): boolean {
  if (witnesses.length < PROBE_WITNESSES_MIN) return false;
  const lost = witnesses.filter(({ isLost }) => isLost).length;
  return lost >= probeLostShareMax * witnesses.length;
}

/** After the first failure soon, then later and later. */
function pauseMs(failures: number, { probeIntervalMs }: ProbePolicy): number {
  const firstMs = Math.min(PROBE_PAUSE_MS_MIN, probeIntervalMs);
  const mostMs = Math.max(PROBE_PAUSE_MS_MAX, probeIntervalMs);
  return Math.min(firstMs * 2 ** Math.max(0, failures - 1), mostMs);
}

/** A tenth more or less. */
function spread(ms: number, random: number): number {
  return Math.round(ms * (0.9 + 0.2 * random));
}

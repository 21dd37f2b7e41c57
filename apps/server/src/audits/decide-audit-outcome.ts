// What an audit tells of the host that was asked, or of the broker that asked. Pure.
import type { ErrorCode } from '#protocol';
import type { AuditPolicy } from './audit-policy.js';

/**
 * ok               it showed the block, and the path holds
 * failed           it does not have the block: it said so, showed another, or kept silent about it for too long
 * contained        it was there and did not answer: it is asked the same again until it does, or has failed
 * offline          it was not there: for its uptime, not for its audits
 * broker_at_fault  hardly any host answers well, or the broker itself failed: nothing is learned of anybody
 */
export const AUDIT_OUTCOMES = ['ok', 'failed', 'contained', 'offline', 'broker_at_fault'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** What came back of one challenge. */
export type AuditFinding =
  | { readonly kind: 'shown' }
  /** The host itself says that it has no such block, or shows another. */
  | { readonly kind: 'missing'; readonly code: ErrorCode }
  /** The host answered, and not to the question: it is busy, or will not. */
  | { readonly kind: 'dodged'; readonly code: ErrorCode }
  /** No answer of this host; whether it answers when it is asked for nothing tells more. */
  | { readonly kind: 'silent'; readonly code: ErrorCode; readonly answersProbe: boolean }
  /** The broker could not even ask. */
  | { readonly kind: 'unasked'; readonly code: ErrorCode };

/** A challenge as it stands when it is asked. */
export interface ChallengeStanding {
  /** How often it was asked before while the host was there and did not answer. */
  readonly unanswered: number;
  /** Since when; null for a challenge that is asked for the first time. */
  readonly containedSinceMs: number | null;
}

const MISSING: ReadonlySet<ErrorCode> = new Set(['shard_unknown', 'shard_corrupt', 'shard_content_mismatch']);
const SILENT: ReadonlySet<ErrorCode> = new Set([
  'peer_unreachable',
  'peer_untrusted',
  'host_address_refused',
  // No word of the host: the relay that it is attached to said so.
  'peer_not_attached',
  'relay_full',
  'lease_invalid',
  'lease_wrong_relay',
  'lease_wrong_peer',
  'lease_expired',
  'lease_spent',
]);

/** What a refusal tells, as far as it tells alone: after `silent` the host is probed. */
export function kindOfRefusal(code: ErrorCode): 'missing' | 'dodged' | 'silent' {
  if (MISSING.has(code)) return 'missing';
  return SILENT.has(code) ? 'silent' : 'dodged';
}

/** What holds when the outcome of an audit is decided. */
export interface OutcomeFacts {
  readonly nowMs: number;
  /** isBrokerAtFault, of the audits of this time. */
  readonly isBrokerAtFault: boolean;
  readonly challenge: ChallengeStanding;
}

/** A block that is shown is there, whatever else is wrong: only what is not shown can be the broker's fault. */
export function decideAuditOutcome(
  finding: AuditFinding,
  { nowMs, isBrokerAtFault, challenge }: OutcomeFacts,
  policy: Pick<AuditPolicy, 'containedAsksMax' | 'containedForMs'>,
): AuditOutcome {
  if (finding.kind === 'shown') return 'ok';
  if (finding.kind === 'unasked' || isBrokerAtFault) return 'broker_at_fault';
  if (finding.kind === 'missing') return 'failed';
  if (finding.kind === 'silent' && !finding.answersProbe) return 'offline';
  const asks = challenge.unanswered + 1;
  const forMs = nowMs - (challenge.containedSinceMs ?? nowMs);
  return asks >= policy.containedAsksMax && forMs >= policy.containedForMs ? 'failed' : 'contained';
}

/** The challenge that is asked next time, null when this one is answered: with a proof, or by failing. */
export function challengeAfter(
  before: ChallengeStanding,
  outcome: AuditOutcome,
  nowMs: number,
): ChallengeStanding | null {
  switch (outcome) {
    case 'ok':
    case 'failed':
      return null;
    case 'contained':
      return { unanswered: before.unanswered + 1, containedSinceMs: before.containedSinceMs ?? nowMs };
    case 'offline':
    case 'broker_at_fault':
      return before;
  }
}

/** The newest audit of a host that was in order when it was asked: others tell nothing of the broker. */
export interface AuditWitness {
  readonly isShown: boolean;
}

/**
 * Is it the broker that cannot reach anybody, or asks for what nobody ever had, as after its database was restored from
 * an old copy? Hosts that were suspicious before are no witnesses, so a few that lose everything cannot outvote the rest.
 */
export function isBrokerAtFault(
  witnesses: readonly AuditWitness[],
  { faultShareMin, faultHostsMin }: Pick<AuditPolicy, 'faultShareMin' | 'faultHostsMin'>,
): boolean {
  if (witnesses.length < faultHostsMin) return false;
  const bad = witnesses.filter(({ isShown }) => !isShown).length;
  return bad >= faultShareMin * witnesses.length;
}

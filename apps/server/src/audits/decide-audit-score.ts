/**
 * How far a host is believed after its audits: beta reputation with forgetting. Pure.
 *
 * Two numbers a host: audits that it passed and failed, each forgotten a little with every new one. Their ratio is the
 * score; it moves slowly, and only with `ok` and `failed`. Source: Storj white paper v3 §4.15; Jøsang, Ismail: The Beta
 * Reputation System (2002), §3 with forgetting factor λ and weight 1.
 */
import type { AuditPolicy } from './audit-policy.js';
import type { AuditOutcome } from './decide-audit-outcome.js';

export interface AuditScore {
  /** Audits passed, as far as they are remembered: at most 1 / (1 - forgetting). */
  readonly good: number;
  readonly bad: number;
}

/** `suspicious`: audited more often. `suspend`: no host any more, until the operator says otherwise. */
export type AuditVerdict = 'ok' | 'suspicious' | 'suspend';

export interface JudgedScore {
  readonly score: AuditScore;
  readonly verdict: AuditVerdict;
}

type ScorePolicy = Pick<AuditPolicy, 'forgetting' | 'priorAudits' | 'suspiciousBelow' | 'suspendBelow'>;

/** Of a host that was never audited. */
export function newAuditScore({ priorAudits }: Pick<ScorePolicy, 'priorAudits'>): AuditScore {
  return { good: priorAudits, bad: 0 };
}

/** The score after one more audit. Whoever was offline, is contained, or met a broker at fault keeps what it had. */
export function decideAuditScore(before: AuditScore, outcome: AuditOutcome, policy: ScorePolicy): JudgedScore {
  const score = scoreAfter(before, outcome, policy);
  return { score, verdict: verdictOf(score, policy) };
}

/** From 0 to 1. */
export function trustIn({ good, bad }: AuditScore): number {
  return good / (good + bad);
}

export function verdictOf(score: AuditScore, { suspiciousBelow, suspendBelow }: ScorePolicy): AuditVerdict {
  const trust = trustIn(score);
  if (trust < suspendBelow) return 'suspend';
  return trust < suspiciousBelow ? 'suspicious' : 'ok';
}

function scoreAfter({ good, bad }: AuditScore, outcome: AuditOutcome, { forgetting }: ScorePolicy): AuditScore {
  switch (outcome) {
    case 'ok':
      return { good: forgetting * good + 1, bad: forgetting * bad };
    case 'failed':
      return { good: forgetting * good, bad: forgetting * bad + 1 };
    case 'offline':
    case 'contained':
    case 'broker_at_fault':
      return { good, bad };
  }
}

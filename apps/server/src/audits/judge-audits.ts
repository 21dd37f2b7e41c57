// What a round of audits comes to, before anything of it is written: for each host its outcome and what is known of it
// after. Pure.
import type { AuditPolicy } from './audit-policy.js';
import type { AuditRecord, RecordedAudit } from './audit-records.js';
import type { Challenge } from './challenge.js';
import { pauseUntilNextMs, type Random } from './decide-audit.js';
import { type AuditFinding, type AuditOutcome, challengeAfter, decideAuditOutcome } from './decide-audit-outcome.js';
import { decideAuditScore } from './decide-audit-score.js';

/** A challenge, and what came back. */
export interface AskedAudit {
  readonly challenge: Challenge;
  readonly finding: AuditFinding;
  /** What the host held when it was asked. */
  readonly heldBytes: number;
}

export interface JudgedAudit extends AskedAudit {
  readonly outcome: AuditOutcome;
}

export function judgeAudits(
  asked: readonly AskedAudit[],
  { nowMs, isBrokerAtFault, policy }: { nowMs: number; isBrokerAtFault: boolean; policy: AuditPolicy },
): JudgedAudit[] {
  return asked.map((one) => {
    const { challenge, finding } = one;
    return { ...one, outcome: decideAuditOutcome(finding, { nowMs, isBrokerAtFault, challenge }, policy) };
  });
}

/** An open challenge is asked again soon, but for a host that is offline: it is asked when it is back. */
export function recordAfterAudit(
  before: AuditRecord,
  { challenge, outcome, heldBytes }: JudgedAudit,
  { nowMs, random, policy }: { nowMs: number; random: Random; policy: AuditPolicy },
): RecordedAudit {
  const { score, verdict } = decideAuditScore(before, outcome, policy);
  const standing = challengeAfter(challenge, outcome, nowMs);
  const waitMs =
    standing === null
      ? pauseUntilNextMs({ heldBytes, verdict }, random, policy)
      : Math.round(policy.containedPauseMs * (0.5 + random()));
  const record: AuditRecord = {
    hostId: before.hostId,
    ...score,
    verdict,
    dueAtMs: nowMs + waitMs,
    passed: before.passed + Number(outcome === 'ok'),
    failed: before.failed + Number(outcome === 'failed'),
    passedAtMs: outcome === 'ok' ? nowMs : before.passedAtMs,
    failedAtMs: outcome === 'failed' ? nowMs : before.failedAtMs,
  };
  return { record, outcome, challenge: standing === null ? null : { ...challenge, ...standing } };
}

// What the simulated broker keeps of its audits: a score a host, and which plan of the next audit holds.
import type { AuditScore, AuditVerdict } from '../../apps/server/src/audits/decide-audit-score.js';

export class AuditBook {
  readonly score: AuditScore[];
  readonly verdict: AuditVerdict[];
  /** Up to when the good audits are in the score. */
  readonly scoredAtHours: Float64Array;
  /** The plan that holds; events of others are void. */
  readonly plan: Int32Array;
  readonly isPlanned: Uint8Array;

  constructor(peers: number, first: AuditScore) {
    this.score = new Array<AuditScore>(peers).fill(first);
    this.verdict = new Array<AuditVerdict>(peers).fill('ok');
    this.scoredAtHours = new Float64Array(peers);
    this.plan = new Int32Array(peers);
    this.isPlanned = new Uint8Array(peers);
  }
}

// Whether a host is believed to have what it was given: what it earns and how long it is on probation rest on this.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import type { PeerId } from '#protocol';
import { Settings } from '../platform/settings.js';
import { AuditRecords } from './audit-records.js';
import { type AuditVerdict, trustIn } from './decide-audit-score.js';

export interface AuditStanding {
  /**
   * It passed an audit within policy.audits.provedForMs, is not suspended, and has answered whatever it was asked. Only
   * such a host has proved what it holds; a new one has not yet.
   */
  readonly isGood: boolean;
  readonly verdict: AuditVerdict;
  /** From 0 to 1. */
  readonly score: number;
  /** In all. */
  readonly passed: number;
  readonly failed: number;
  readonly passedAtMs: number | null;
  /** Since when it keeps silent about a block while it is there; null for a host that does not. */
  readonly containedSinceMs: number | null;
}

@Injectable()
export class AuditStandings {
  constructor(
    private readonly records: AuditRecords,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  auditStandingOf(peerId: PeerId): AuditStanding {
    const { verdict, passed, failed, passedAtMs, ...score } = this.records.recordOf(peerId);
    const { on, provedForMs } = this.settings.policy.audits;
    const containedSinceMs = this.records.challengeOf(peerId)?.containedSinceMs ?? null;
    const isProved = passedAtMs !== null && this.clock.nowMs() - passedAtMs <= provedForMs;
    // An operator who turns audits off believes hosts at their word.
    const isGood = !on || (verdict !== 'suspend' && containedSinceMs === null && isProved);
    return { isGood, verdict, score: trustIn(score), passed, failed, passedAtMs, containedSinceMs };
  }
}

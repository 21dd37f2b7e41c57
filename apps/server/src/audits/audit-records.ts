// What is known of every host by its audits, in memory and durable: scores, and the challenges that are open.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, placeholders } from '#database';
import type { PeerId } from '#protocol';
import { AUDIT_DAYS_KEPT } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { AuditScoreEntity, PendingAuditEntity } from './audit-entities.js';
import type { Challenge } from './challenge.js';
import type { AuditOutcome } from './decide-audit-outcome.js';
import { type AuditScore, type AuditVerdict, newAuditScore } from './decide-audit-score.js';

const DAY_MS = 24 * 60 * 60_000;

export interface AuditRecord extends AuditScore {
  readonly hostId: PeerId;
  readonly verdict: AuditVerdict;
  readonly dueAtMs: number;
  readonly passed: number;
  readonly failed: number;
  readonly passedAtMs: number | null;
  readonly failedAtMs: number | null;
}

/** What is written down after an audit. */
export interface RecordedAudit {
  readonly record: AuditRecord;
  readonly outcome: AuditOutcome;
  /** What is still open; null for nothing. */
  readonly challenge: Challenge | null;
}

@Injectable()
export class AuditRecords implements OnModuleInit {
  // At most one each for every enrolled peer.
  private readonly records = new Map<PeerId, AuditRecord>();
  private readonly open = new Map<PeerId, Challenge>();
  private prunedDay: number | null = null;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly settings: Settings,
  ) {}

  async onModuleInit(): Promise<void> {
    for (const row of await this.database.reads.find(AuditScoreEntity)) this.records.set(row.hostId, { ...row });
    for (const row of await this.database.reads.find(PendingAuditEntity)) this.open.set(row.hostId, { ...row });
  }

  find(hostId: PeerId): AuditRecord | undefined {
    return this.records.get(hostId);
  }

  /** Of a host that was never audited too: it is due at once. */
  recordOf(hostId: PeerId): AuditRecord {
    const score = newAuditScore(this.settings.policy.audits);
    const none = { dueAtMs: 0, passed: 0, failed: 0, passedAtMs: null, failedAtMs: null };
    return this.records.get(hostId) ?? { hostId, ...score, verdict: 'ok', ...none };
  }

  challengeOf(hostId: PeerId): Challenge | undefined {
    return this.open.get(hostId);
  }

  /** Before any of them is asked: whatever happens meanwhile, they are asked until they are answered. */
  async begin(challenges: readonly Challenge[]): Promise<void> {
    if (challenges.length === 0) return;
    await this.database.write((db) => db.upsert(PendingAuditEntity, [...challenges], ['hostId']));
    for (const challenge of challenges) this.open.set(challenge.hostId, challenge);
  }

  /** Part of the caller's unit; `recorded` follows when it is committed. */
  async record(db: EntityManager, audits: readonly RecordedAudit[], nowMs: number): Promise<void> {
    if (audits.length === 0) return;
    const rows = audits.map(({ record }) => record);
    await db.upsert(AuditScoreEntity, rows, ['hostId']);
    const open = audits.flatMap(({ challenge }) => (challenge === null ? [] : [challenge]));
    if (open.length > 0) await db.upsert(PendingAuditEntity, open, ['hostId']);
    await this.drop(
      db,
      audits.filter(({ challenge }) => challenge === null).map(({ record }) => record.hostId),
    );
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.prunedDay) {
      await changeMany(db, 'DELETE FROM audit_days WHERE day < $1', [day - AUDIT_DAYS_KEPT]);
      this.prunedDay = day;
    }
    for (const { record, outcome } of audits) {
      await changeOne(
        db,
        `INSERT INTO audit_days (day, host_id, outcome, audits) VALUES ($1, $2, $3, 1)
         ON CONFLICT (day, host_id, outcome) DO UPDATE SET audits = audit_days.audits + 1`,
        [day, record.hostId, outcome],
      );
    }
  }

  recorded(audits: readonly RecordedAudit[]): void {
    for (const { record, challenge } of audits) {
      this.records.set(record.hostId, record);
      if (challenge === null) this.open.delete(record.hostId);
      else this.open.set(record.hostId, challenge);
    }
  }

  /** Part of the caller's unit: what these hosts were asked for is not to be there any more. `dropped` follows. */
  async drop(db: EntityManager, hostIds: readonly PeerId[]): Promise<void> {
    if (hostIds.length === 0) return;
    await changeMany(db, `DELETE FROM audits_pending WHERE host_id IN ${placeholders(db, hostIds.length)}`, [
      ...hostIds,
    ]);
  }

  dropped(hostIds: readonly PeerId[]): void {
    for (const hostId of hostIds) this.open.delete(hostId);
  }
}

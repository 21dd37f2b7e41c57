// The two tables of audits that are read and written row by row: open challenges, and scores.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ContentId, PeerId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';
import type { AuditVerdict } from './decide-audit-score.js';

/** A challenge that is not answered yet: one a host at most. */
@Entity('audits_pending')
export class PendingAuditEntity {
  @PrimaryColumn({ name: 'host_id', type: 'text' })
  hostId!: PeerId;

  @Column({ type: 'text' })
  cid!: ContentId;

  @Column(wholeNumber('size_bytes'))
  sizeBytes!: number;

  @Column({ type: 'integer' })
  block!: number;

  /** How often the host did not answer it while it was there. */
  @Column({ type: 'integer' })
  unanswered!: number;

  @Column(wholeNumber('contained_since_ms', { nullable: true }))
  containedSinceMs!: number | null;

  @Column(wholeNumber('begun_at_ms'))
  begunAtMs!: number;
}

/** What became of the audits of a host so far. */
@Entity('audit_scores')
export class AuditScoreEntity {
  @PrimaryColumn({ name: 'host_id', type: 'text' })
  hostId!: PeerId;

  @Column({ type: 'double precision' })
  good!: number;

  @Column({ type: 'double precision' })
  bad!: number;

  @Column({ type: 'text' })
  verdict!: AuditVerdict;

  @Column(wholeNumber('due_at_ms'))
  dueAtMs!: number;

  /** In all; not what is remembered in the score. */
  @Column(wholeNumber('passed'))
  passed!: number;

  @Column(wholeNumber('failed'))
  failed!: number;

  @Column(wholeNumber('passed_at_ms', { nullable: true }))
  passedAtMs!: number | null;

  @Column(wholeNumber('failed_at_ms', { nullable: true }))
  failedAtMs!: number | null;
}

// GET /v1/admin/audits/scores, /pending, /days: what hosts showed when they were asked for what they store
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { formatTime, peerIdField, timeField } from '#protocol';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { AdminRoute } from '../access/admin-route.js';
import { type Page, pageFields, pageOf } from '../paging/page-query.js';
import { readPage } from '../paging/read-page.js';

type Numeric = number | string;

const DAY_MS = 86_400_000;
const VERDICTS = ['ok', 'suspicious', 'suspend'] as const;
const OUTCOMES = ['ok', 'failed', 'contained', 'offline', 'broker_at_fault'] as const;

const scoresQuery = z.strictObject({
  host: peerIdField.optional(),
  verdict: z.enum(VERDICTS).optional(),
  ...pageFields,
});
type ScoresQuery = z.infer<typeof scoresQuery>;

const listedScore = z.strictObject({
  hostId: z.string(),
  /** Audits that it passed and failed, where old ones weigh less and less. */
  good: z.number(),
  bad: z.number(),
  verdict: z.enum(VERDICTS),
  dueAt: timeField,
  passed: z.int().min(0),
  failed: z.int().min(0),
  passedAt: timeField.nullable(),
  failedAt: timeField.nullable(),
});
type ListedScore = z.infer<typeof listedScore>;

interface ScoreRow {
  host_id: string;
  good: number;
  bad: number;
  verdict: ListedScore['verdict'];
  due_at_ms: Numeric;
  passed: Numeric;
  failed: Numeric;
  passed_at_ms: Numeric | null;
  failed_at_ms: Numeric | null;
}

const pendingQuery = z.strictObject({ host: peerIdField.optional(), ...pageFields });
type PendingQuery = z.infer<typeof pendingQuery>;

const listedPending = z.strictObject({
  hostId: z.string(),
  cid: z.string(),
  block: z.int().min(0),
  /** How often it was asked the same, and said nothing. */
  unanswered: z.int().min(0),
  begunAt: timeField,
  containedSince: timeField.nullable(),
});
type ListedPending = z.infer<typeof listedPending>;

interface PendingRow {
  host_id: string;
  cid: string;
  block: number;
  unanswered: Numeric;
  begun_at_ms: Numeric;
  contained_since_ms: Numeric | null;
}

const daysQuery = z.strictObject({ host: peerIdField.optional(), outcome: z.enum(OUTCOMES).optional(), ...pageFields });
type DaysQuery = z.infer<typeof daysQuery>;

const listedDay = z.strictObject({
  /** `2026-11-21`, of UTC. */
  day: z.string(),
  hostId: z.string(),
  outcome: z.enum(OUTCOMES),
  audits: z.int().min(1),
});
type ListedDay = z.infer<typeof listedDay>;

interface DayRow {
  day: Numeric;
  host_id: string;
  outcome: ListedDay['outcome'];
  audits: Numeric;
}

const BY_HOST = [{ column: 'host_id', kind: 'text' }] as const;

@Controller('v1/admin/audits')
export class AdminAuditsController {
  constructor(private readonly database: BrokerDatabase) {}

  @Get('scores')
  @AdminRoute({ role: 'viewer', answers: pageOf(listedScore) })
  scores(@Query({ schema: scoresQuery }) query: ScoresQuery): Promise<Page<ListedScore>> {
    const list = {
      select: 'SELECT * FROM audit_scores',
      filters: [
        ['host_id = ?', query.host],
        ['verdict = ?', query.verdict],
      ],
      order: BY_HOST,
    } as const;
    return readPage<ScoreRow, ListedScore>(this.database.reads, list, query, (row) => ({
      hostId: row.host_id,
      good: row.good,
      bad: row.bad,
      verdict: row.verdict,
      dueAt: formatTime(Number(row.due_at_ms)),
      passed: Number(row.passed),
      failed: Number(row.failed),
      passedAt: timeOrNull(row.passed_at_ms),
      failedAt: timeOrNull(row.failed_at_ms),
    }));
  }

  @Get('pending')
  @AdminRoute({ role: 'viewer', answers: pageOf(listedPending) })
  pending(@Query({ schema: pendingQuery }) query: PendingQuery): Promise<Page<ListedPending>> {
    const list = {
      select: 'SELECT * FROM audits_pending',
      filters: [['host_id = ?', query.host]],
      order: BY_HOST,
    } as const;
    return readPage<PendingRow, ListedPending>(this.database.reads, list, query, (row) => ({
      hostId: row.host_id,
      cid: row.cid,
      block: row.block,
      unanswered: Number(row.unanswered),
      begunAt: formatTime(Number(row.begun_at_ms)),
      containedSince: timeOrNull(row.contained_since_ms),
    }));
  }

  /** Newest first. */
  @Get('days')
  @AdminRoute({ role: 'viewer', answers: pageOf(listedDay) })
  days(@Query({ schema: daysQuery }) query: DaysQuery): Promise<Page<ListedDay>> {
    const list = {
      select: 'SELECT * FROM audit_days',
      filters: [
        ['host_id = ?', query.host],
        ['outcome = ?', query.outcome],
      ],
      order: [
        { column: 'day', kind: 'number' },
        { column: 'host_id', kind: 'text' },
        { column: 'outcome', kind: 'text' },
      ],
      newestFirst: true,
    } as const;
    return readPage<DayRow, ListedDay>(this.database.reads, list, query, (row) => ({
      day: formatTime(Number(row.day) * DAY_MS).slice(0, 'YYYY-MM-DD'.length),
      hostId: row.host_id,
      outcome: row.outcome,
      audits: Number(row.audits),
    }));
  }
}

function timeOrNull(atMs: Numeric | null): string | null {
  return atMs === null ? null : formatTime(Number(atMs));
}

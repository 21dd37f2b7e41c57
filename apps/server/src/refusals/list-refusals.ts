// Lists what was refused lately, for the operator: by whom, for whom, where, why, how often.
import type { EntityManager } from 'typeorm';
import { formatTime } from '#protocol';

/** The operator reads the most frequent ones first; the rest is noise that a shorter time would bring out. */
const LISTED_MAX = 10_000;

export interface ListedRefusal {
  /** Begin of the hour in which it was counted. */
  readonly hour: string;
  /** Who asked; null for one that is not enrolled. */
  readonly askedBy: string | null;
  readonly host: string | null;
  readonly reportedBy: 'client' | 'host' | 'broker';
  readonly op: string | null;
  readonly code: string;
  readonly count: number;
  readonly last: string;
}

/** Newest hour first, within it the most frequent first. */
export async function listRefusals(db: EntityManager, sinceMs: number): Promise<ListedRefusal[]> {
  const rows = await db.query<RefusalRow[]>(
    `SELECT * FROM peer_failures WHERE last_at_ms >= $1
     ORDER BY hour_ms DESC, failures DESC, host_id, client_id, code LIMIT ${LISTED_MAX}`,
    [sinceMs],
  );
  return rows.map((row) => ({
    hour: formatTime(Number(row.hour_ms)),
    askedBy: row.client_id === '' ? null : row.client_id,
    host: row.host_id === '' ? null : row.host_id,
    reportedBy: row.reporter,
    op: row.op === '' ? null : row.op,
    code: row.code,
    count: Number(row.failures),
    last: formatTime(Number(row.last_at_ms)),
  }));
}

/** One line a refusal, columns apart by a tab; a dash where there is nothing. */
export function refusalLines(refusals: readonly ListedRefusal[]): string {
  const heading = ['HOUR', 'ASKED BY', 'HOST', 'REPORTED BY', 'OP', 'CODE', 'COUNT', 'LAST'];
  const lines = refusals.map((r) => [
    r.hour,
    r.askedBy ?? '-',
    r.host ?? '-',
    r.reportedBy,
    r.op ?? '-',
    r.code,
    r.count,
    r.last,
  ]);
  return [heading, ...lines].map((line) => `${line.join('\t')}\n`).join('');
}

interface RefusalRow {
  hour_ms: number | string;
  client_id: string;
  host_id: string;
  reporter: ListedRefusal['reportedBy'];
  op: string;
  code: string;
  failures: number | string;
  last_at_ms: number | string;
}

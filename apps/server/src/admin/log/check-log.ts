// Goes through the whole admin log and tells where it is not what was written.
import type { EntityManager } from 'typeorm';
import { LOG_CHECKED_AT_ONCE } from '../limits.js';
import { LOG_BEGINNING, type LogEntry, logHash } from './log-entry.js';

export interface CheckedLog {
  readonly entries: number;
  /** Of the last entry. Whoever notes it elsewhere notices later a log that was written anew from its beginning. */
  readonly head: string;
  /** Empty for a log that holds. */
  readonly faults: readonly string[];
}

export interface LogRow {
  seq: number | string;
  at_ms: number | string;
  actor: string;
  action: string;
  subject: string;
  reason: string;
  details: string;
  hash: string;
}

/** Ends at the first fault: what follows a broken link says nothing. */
export async function checkLog(db: EntityManager): Promise<CheckedLog> {
  let entries = 0;
  let head = LOG_BEGINNING;
  // Read before the entries, which may grow meanwhile.
  const [told] = await db.query<{ seq: number | string; hash: string }[]>(
    'SELECT seq, hash FROM admin_log_head WHERE id = 1',
  );
  if (told === undefined) return { entries, head, faults: ['the head of the log is gone'] };
  const end = Number(told.seq);
  for (;;) {
    const rows = await db.query<LogRow[]>(
      `SELECT * FROM admin_log WHERE seq > $1 ORDER BY seq LIMIT ${LOG_CHECKED_AT_ONCE}`,
      [entries],
    );
    for (const row of rows) {
      const entry = logEntryFrom(row);
      if (entry.seq !== entries + 1) return { entries, head, faults: [`entry ${entries + 1} is missing`] };
      const hash = logHash(head, entry);
      if (hash !== row.hash) return { entries, head, faults: [`entry ${entry.seq} is not what was written`] };
      entries = entry.seq;
      head = hash;
      if (entries === end && hash !== told.hash) {
        return { entries, head, faults: [`entry ${entries} is not the one that the head names`] };
      }
    }
    if (rows.length < LOG_CHECKED_AT_ONCE) break;
  }
  if (entries < end) return { entries, head, faults: [`entry ${entries + 1} is missing`] };
  return { entries, head, faults: [] };
}

export function logEntryFrom(row: LogRow): LogEntry {
  const { actor, action, subject, reason, details } = row;
  return { seq: Number(row.seq), atMs: Number(row.at_ms), actor, action, subject, reason, details };
}

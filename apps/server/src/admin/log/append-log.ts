// Appends to the admin log, in the unit that makes the change: neither is there without the other.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeOne, insertRows } from '#database';
import { type LogEntry, type LoggedChange, logHash } from './log-entry.js';

export async function appendLog(db: EntityManager, change: LoggedChange, atMs: number): Promise<LogEntry> {
  // The row stays locked until the commit, so entries are committed in their order.
  assert(await changeOne(db, 'UPDATE admin_log_head SET seq = seq + 1 WHERE id = $1', [1]));
  const [head] = await db.query<{ seq: number | string; hash: string }[]>(
    'SELECT seq, hash FROM admin_log_head WHERE id = 1',
  );
  assert(head !== undefined);
  const { actor, action, subject, reason } = change;
  const details = JSON.stringify(change.details);
  const entry: LogEntry = { seq: Number(head.seq), atMs, actor, action, subject, reason, details };
  const hash = logHash(head.hash, entry);
  await insertRows(
    db,
    {
      table: 'admin_log',
      columns: ['seq', 'at_ms', 'actor', 'action', 'subject', 'reason', 'details', 'hash'],
    },
    [[entry.seq, atMs, actor, action, subject, reason, details, hash]],
  );
  await changeOne(db, 'UPDATE admin_log_head SET hash = $1 WHERE id = $2', [hash, 1]);
  return entry;
}

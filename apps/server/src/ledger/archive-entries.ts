// Takes old entries out of the database: into a file first, then, in one unit, out of the table and into the sums of their
// days. A crash between the two leaves a file that nothing knows, which the next run writes again.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import { Clock, Log } from '#process';
import { ENTRIES_ARCHIVED_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { LedgerEntry } from './entry-chain.js';
import { readEntries } from './entry-rows.js';
import { type ArchivedFile, LedgerArchive } from './ledger-archive.js';

const DAY_MS = 86_400_000;

@Injectable()
export class ArchiveEntries {
  private running: Promise<void> | null = null;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly archive: LedgerArchive,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * All entries of whole days before `beforeMs`, as far as they follow one another from the oldest on: the chain has no
   * holes. Joins a run that is under way: two would write one file.
   */
  run(beforeMs: number): Promise<void> {
    this.running ??= this.archiveAll(Math.floor(beforeMs / DAY_MS) * DAY_MS).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async archiveAll(beforeMs: number): Promise<void> {
    let archived: number;
    do {
      archived = await this.archiveSome(beforeMs);
      if (archived > 0) this.log.debug({ event: 'ledger_entries_archived', entries: archived });
    } while (archived === ENTRIES_ARCHIVED_AT_ONCE_MAX);
  }

  private async archiveSome(beforeMs: number): Promise<number> {
    const oldest = await readEntries(this.database.reads, { afterSeq: 0, limit: ENTRIES_ARCHIVED_AT_ONCE_MAX });
    const kept = oldest.findIndex(({ atMs }) => atMs >= beforeMs);
    const entries = kept < 0 ? oldest : oldest.slice(0, kept);
    if (entries.length === 0) return 0;
    const file = await this.archive.write(entries);
    await this.database.write((db) => this.sumUp(db, entries, file));
    return entries.length;
  }

  private async sumUp(db: EntityManager, entries: readonly LedgerEntry[], file: ArchivedFile): Promise<void> {
    const [first, last] = [entries[0]!, entries.at(-1)!];
    const range = [first.seq, last.seq];
    await changeMany(
      db,
      `INSERT INTO ledger_days (day, kind, debit, credit, amount, entries)
       SELECT at_ms / ${DAY_MS}, kind, debit, credit, SUM(amount), COUNT(*) FROM ledger_entries
       WHERE seq BETWEEN $1 AND $2 GROUP BY at_ms / ${DAY_MS}, kind, debit, credit
       ON CONFLICT (day, kind, debit, credit) DO UPDATE SET
         amount = ledger_days.amount + excluded.amount, entries = ledger_days.entries + excluded.entries`,
      range,
    );
    const removed = await changeMany(db, 'DELETE FROM ledger_entries WHERE seq BETWEEN $1 AND $2', range);
    assert.equal(removed, entries.length, 'what is archived was there');
    await insertRows(
      db,
      {
        table: 'ledger_archives',
        columns: ['first_seq', 'last_seq', 'last_hash', 'file', 'sha256', 'archived_at_ms'],
      },
      [[first.seq, last.seq, last.hash, file.file, file.sha256, this.clock.nowMs()]],
    );
  }
}

// Reports that the broker must get: rows of agent.db, written in the unit that burns the token, kept until taken.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, type Database, insertRows, placeholders } from '#database';
import { ProtocolError, REPORT_OUTBOX_ENTRIES_MAX, type Report, report } from '#protocol';
import { REPORTS_READ_AT_ONCE } from '../limits.js';

/** Room for one report, kept from before a transfer begins: a receipt is never without a place. */
export interface OutboxPlace {
  /** The report's unit is committed. */
  filled(): void;
  /** There will be no report. */
  givenBack(): void;
}

export interface WaitingReport {
  readonly id: number;
  readonly report: Report;
}

export class ReportOutbox {
  private kept = 0;

  private constructor(
    private readonly database: Database,
    private waiting: number,
    private readonly entriesMax: number,
  ) {}

  static async load(database: Database, entriesMax = REPORT_OUTBOX_ENTRIES_MAX): Promise<ReportOutbox> {
    return new ReportOutbox(database, await countReports(database.reads), entriesMax);
  }

  get length(): number {
    return this.waiting;
  }

  /** throws report_outbox_full */
  keepPlace(): OutboxPlace {
    if (this.waiting + this.kept >= this.entriesMax) throw new ProtocolError('report_outbox_full');
    this.kept++;
    let ended = false;
    const end = (filled: boolean): void => {
      assert(!ended);
      ended = true;
      this.kept--;
      if (filled) this.waiting++;
    };
    return { filled: () => end(true), givenBack: () => end(false) };
  }

  /** Part of the caller's unit. A report that the broker's schema refuses would block all behind it: it is our mistake. */
  async add(db: EntityManager, entry: Report): Promise<void> {
    await insertRows(db, { table: 'report', columns: ['body'] }, [[JSON.stringify(report.parse(entry))]]);
  }

  /**
   * As `add`, instead of an earlier report about the same subject that still waits.
   *
   * returns  whether there was one: then no place more is taken
   */
  async addNewest(db: EntityManager, subject: string, entry: Report): Promise<boolean> {
    const replaced = await changeOne(db, 'DELETE FROM report WHERE subject = $1', [subject]);
    await insertRows(db, { table: 'report', columns: ['subject', 'body'] }, [
      [subject, JSON.stringify(report.parse(entry))],
    ]);
    return replaced;
  }

  /** The oldest, at most `count`, and no more than fit into `bytesMax` of JSON, though always one. */
  async next(count: number, bytesMax: number): Promise<WaitingReport[]> {
    const found: WaitingReport[] = [];
    let bytes = 0;
    while (found.length < count) {
      const rows = await this.after(found.at(-1)?.id ?? 0, Math.min(count - found.length, REPORTS_READ_AT_ONCE));
      for (const { id, body } of rows) {
        // Reports are ASCII: as many bytes as characters, and a comma.
        bytes += body.length + 1;
        if (found.length > 0 && bytes > bytesMax) return found;
        found.push({ id, report: report.parse(JSON.parse(body)) });
      }
      if (rows.length < REPORTS_READ_AT_ONCE) return found;
    }
    return found;
  }

  private after(id: number, count: number): Promise<{ id: number; body: string }[]> {
    return this.database.reads.query('SELECT id, body FROM report WHERE id > $1 ORDER BY id LIMIT $2', [id, count]);
  }

  async remove(taken: readonly WaitingReport[]): Promise<void> {
    if (taken.length === 0) return;
    const removed = await this.database.writes.run((db) =>
      changeMany(
        db,
        `DELETE FROM report WHERE id IN ${placeholders(db, taken.length)}`,
        taken.map(({ id }) => id),
      ),
    );
    this.waiting -= removed;
  }
}

/** How many reports wait for the broker. */
export async function countReports(reads: EntityManager): Promise<number> {
  const [row] = await reads.query<{ count: number }[]>('SELECT count(*) AS count FROM report');
  return Number(row?.count ?? 0);
}

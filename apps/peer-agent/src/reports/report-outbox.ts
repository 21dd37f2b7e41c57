// Reports that the broker must get: rows of agent.db, written in the unit that burns the token, kept until taken.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, type Database, insertRows, placeholders } from '#database';
import { ProtocolError, REPORT_OUTBOX_ENTRIES_MAX, type Report, report } from '#protocol';

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

  /** The oldest, at most `count`. */
  async next(count: number): Promise<WaitingReport[]> {
    const rows = await this.database.reads.query<{ id: number; body: string }[]>(
      'SELECT id, body FROM report ORDER BY id LIMIT $1',
      [count],
    );
    return rows.map(({ id, body }) => ({ id, report: report.parse(JSON.parse(body)) }));
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

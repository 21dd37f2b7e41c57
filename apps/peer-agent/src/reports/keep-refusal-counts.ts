// Writes down how much was refused, so that it can be read beside the running agent; only when something has changed.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import type { ErrorCode } from '#protocol';
import { AgentDatabase } from '../state/agent-database.js';
import { RefusalTally } from './refusal-tally.js';

@Injectable()
export class KeepRefusalCounts {
  /** None yet: what the process before this one wrote goes with the first run. */
  private kept: number | null = null;

  constructor(
    private readonly tally: RefusalTally,
    private readonly database: AgentDatabase,
  ) {}

  async run(): Promise<void> {
    const counts = [...this.tally.counts];
    const sum = counts.reduce((all, [, refused]) => all + refused, 0);
    if (sum === this.kept) return;
    await this.database.writes.run(async (db) => {
      await changeMany(db, 'DELETE FROM refusal_count', []);
      await insertRows(db, { table: 'refusal_count', columns: ['code', 'refused'] }, counts);
    });
    this.kept = sum;
  }
}

/** As of at most a minute ago, by code; the most frequent first. */
export async function readRefusalCounts(reads: EntityManager): Promise<Partial<Record<ErrorCode, number>>> {
  const rows = await reads.query<{ code: ErrorCode; refused: number | string }[]>(
    'SELECT code, refused FROM refusal_count ORDER BY refused DESC, code',
  );
  return Object.fromEntries(rows.map(({ code, refused }) => [code, Number(refused)]));
}

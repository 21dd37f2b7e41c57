// Sums up the entries of transactions that can change no more: one row for each day, kind and pair of accounts.
import type { EntityManager } from 'typeorm';
import { changeMany, placeholders } from '#database';

const DAY_MS = 86_400_000;
const SUMMED_AT_ONCE = 1_000;

/** keys: what the movements were made under; each of them is then unknown, and could be made again. */
export async function rollUpEntries(db: EntityManager, keys: readonly string[]): Promise<void> {
  for (let first = 0; first < keys.length; first += SUMMED_AT_ONCE) {
    const some = keys.slice(first, first + SUMMED_AT_ONCE);
    const among = `transaction_id IN ${placeholders(db, some.length)}`;
    await changeMany(
      db,
      `INSERT INTO ledger_days (day, kind, debit, credit, amount, entries)
       SELECT at_ms / ${DAY_MS}, kind, debit, credit, SUM(amount), COUNT(*) FROM ledger_entries
       WHERE ${among} GROUP BY at_ms / ${DAY_MS}, kind, debit, credit
       ON CONFLICT (day, kind, debit, credit) DO UPDATE SET
         amount = ledger_days.amount + excluded.amount, entries = ledger_days.entries + excluded.entries`,
      some,
    );
    await changeMany(db, `DELETE FROM ledger_entries WHERE ${among}`, some);
  }
}

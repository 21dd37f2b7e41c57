// Adds the whole ledger up: what must hold at every commit, whatever came before.
import type { EntityManager } from 'typeorm';

// Entries, and the sums of those that are gone. As text: an amount may pass 2^53, and the driver would round it.
const MOVED = `SELECT account, SUM(amount) AS amount FROM (
  SELECT credit AS account, amount FROM ledger_entries
  UNION ALL SELECT debit, -amount FROM ledger_entries
  UNION ALL SELECT credit, amount FROM ledger_days
  UNION ALL SELECT debit, -amount FROM ledger_days) movements GROUP BY account`;

/**
 * The faults of the ledger; an empty list is a sound one. Balances sum to zero, only issuance is negative, every
 * balance is what its entries and day sums say, and every stored shard is of a put that is paid or has its credit set
 * aside.
 */
export async function checkLedger(db: EntityManager): Promise<string[]> {
  const faults: string[] = [];
  const rows = await db.query<{ id: string; balance: string; moved: string }[]>(
    `SELECT a.id AS id, CAST(a.balance AS text) AS balance, CAST(COALESCE(m.amount, 0) AS text) AS moved
     FROM ledger_accounts a LEFT JOIN (${MOVED}) m ON m.account = a.id`,
  );
  let sum = 0n;
  for (const { id, balance, moved } of rows) {
    sum += BigInt(balance);
    if (balance !== moved) faults.push(`${id} has ${balance}, its entries say ${moved}`);
    if (BigInt(balance) < 0n && id !== 'issuance') faults.push(`${id} is below zero: ${balance}`);
  }
  if (sum !== 0n) faults.push(`the balances sum to ${sum}`);
  // A shard without a transaction is of one that was paid, or withheld, and has been summed up.
  const [unpaid] = await db.query<{ shards: number | string }[]>(
    `SELECT COUNT(*) AS shards FROM shards s
     LEFT JOIN transactions t ON t.id = s.transaction_id AND t.host_id = s.host_id AND t.item = s.transaction_item
     WHERE s.state = 'stored' AND s.transaction_id IS NOT NULL
       AND (t.id IS NULL OR t.state NOT IN ('issued', 'unconfirmed', 'settled'))`,
  );
  if (Number(unpaid?.shards) !== 0) faults.push(`${unpaid?.shards} shards are stored and nobody pays for them`);
  return faults;
}

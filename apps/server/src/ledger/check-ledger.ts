// Adds the whole ledger up: what must hold at every commit, whatever came before.
import type { EntityManager } from 'typeorm';
import { checkChain } from './check-chain.js';

// Entries, and the sums of those that are gone. As text: an amount may pass 2^53, and the driver would round it.
const MOVED = `SELECT account, SUM(amount) AS amount FROM (
  SELECT credit AS account, amount FROM ledger_entries
  UNION ALL SELECT debit, -amount FROM ledger_entries
  UNION ALL SELECT credit, amount FROM ledger_days
  UNION ALL SELECT debit, -amount FROM ledger_days) movements GROUP BY account`;

// What is stored, and what it costs whom.
const CHARGED = `SELECT 'used:' || account_id AS id, SUM(charge) AS amount FROM (
  SELECT o.account_id AS account_id, s.charge AS charge FROM shards s JOIN objects o ON o.id = s.object_id
  UNION ALL SELECT account_id, charge FROM group_contents WHERE charge > 0) charges GROUP BY account_id`;

// What can still happen: puts under way or without their client's word, and universal tokens. The puts of one are paid
// from what is set aside for it; when it has ended, those that are not paid keep their part.
const SET_ASIDE = `SELECT 'reserved:' || account_id AS id, SUM(amount) AS amount FROM (
  SELECT client_account_id AS account_id, charge AS amount FROM transactions
    WHERE op = 'put' AND is_use = 0 AND state IN ('issued', 'unconfirmed')
  UNION ALL SELECT client_account_id, charge FROM transactions WHERE op = 'universal' AND state = 'issued'
  UNION ALL SELECT u.client_account_id,
      CASE WHEN t.state = 'issued' THEN CASE WHEN u.state = 'settled' THEN -u.charge ELSE 0 END
           ELSE CASE WHEN u.state IN ('issued', 'unconfirmed') THEN u.charge ELSE 0 END END
    FROM transactions u JOIN transactions t ON t.id = u.id AND t.host_id = u.host_id AND t.item = 0
    WHERE u.op = 'put' AND u.is_use = 1) aside GROUP BY account_id`;

/**
 * The faults of the ledger as it stands in the database; an empty list is a sound one. Beside what checkBooks says: what
 * is used is what stored shards cost, what is reserved is what can still happen, and every stored shard is of a put that
 * is paid or has its credit set aside.
 *
 * db   one snapshot: between two commits of others the parts of the ledger would not fit
 */
export async function checkLedger(db: EntityManager): Promise<string[]> {
  const faults = await checkBooks(db);
  const purses = await db.query<{ id: string; balance: string; expected: string }[]>(
    `SELECT a.id AS id, CAST(a.balance AS text) AS balance, CAST(COALESCE(e.amount, 0) AS text) AS expected
     FROM ledger_accounts a LEFT JOIN (${CHARGED} UNION ALL ${SET_ASIDE}) e ON e.id = a.id
     WHERE (a.id LIKE 'used:%' OR a.id LIKE 'reserved:%') AND a.balance <> COALESCE(e.amount, 0)`,
  );
  for (const { id, balance, expected } of purses) {
    const why = id.startsWith('used:') ? 'its shards cost' : 'what is under way needs';
    faults.push(`${id} has ${balance}, ${why} ${expected}`);
  }
  // A shard without a transaction is of one that was paid and has been summed up.
  const [unpaid] = await db.query<{ shards: number | string }[]>(
    `SELECT COUNT(*) AS shards FROM shards s
     LEFT JOIN transactions t ON t.id = s.transaction_id AND t.host_id = s.host_id AND t.item = s.transaction_item
     WHERE s.state = 'stored' AND s.transaction_id IS NOT NULL
       AND (t.id IS NULL OR t.state NOT IN ('issued', 'unconfirmed', 'settled'))`,
  );
  if (Number(unpaid?.shards) !== 0) faults.push(`${unpaid?.shards} shards are stored and nobody pays for them`);
  return faults;
}

/**
 * What holds of any double entry: balances sum to zero, only issuance is negative, every balance is what its entries and
 * day sums say, and the entries are a chain.
 */
export async function checkBooks(db: EntityManager): Promise<string[]> {
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
  return [...faults, ...(await checkChain(db))];
}

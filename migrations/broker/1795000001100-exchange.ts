// Credit that is paid for what is stored and earned by what is proved: the charge of every shard, entries in a chain of
// hashes, archives of old ones, and the hours for which hosts proved that they store.
import { createHash } from 'node:crypto';
import type { MigrationInterface, QueryRunner } from 'typeorm';

const MOVED_AT_ONCE = 1_000;
const CHAIN_BEGIN = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const ENTRY_COLUMNS = 'kind, transaction_id, debit, credit, CAST(amount AS text) AS amount, at_ms';

const TABLES = [
  'CREATE TABLE ledger_head (id integer PRIMARY KEY, seq bigint NOT NULL, hash text NOT NULL)',
  `CREATE TABLE ledger_archives (
     first_seq bigint PRIMARY KEY,
     last_seq bigint NOT NULL,
     last_hash text NOT NULL,
     file text NOT NULL,
     sha256 text NOT NULL,
     archived_at_ms bigint NOT NULL)`,
  // Of sums from before the chain of entries began: no archive has their entries.
  'ALTER TABLE ledger_days ADD COLUMN past_amount bigint NOT NULL DEFAULT 0',
  'UPDATE ledger_days SET past_amount = amount',
  // What an object's shards cost, and what stands in the used purse of its account for each.
  "ALTER TABLE objects ADD COLUMN durability text NOT NULL DEFAULT 'second-copy'",
  'ALTER TABLE transactions ADD COLUMN charge bigint NOT NULL DEFAULT 0',
  'ALTER TABLE shards ADD COLUMN charge bigint NOT NULL DEFAULT 0',
  'ALTER TABLE group_contents ADD COLUMN charge bigint NOT NULL DEFAULT 0',
  'ALTER TABLE group_contents ADD COLUMN account_id text',
  // Bytes of others that a host has, times the hours for which it was there and in good standing. `withheld`: while it
  // was on probation.
  `CREATE TABLE proved_days (
     peer_id text NOT NULL REFERENCES peers (id),
     day integer NOT NULL,
     withheld integer NOT NULL,
     account_id text NOT NULL REFERENCES accounts (id),
     byte_hours bigint NOT NULL,
     PRIMARY KEY (peer_id, day, withheld))`,
  'CREATE INDEX proved_days_of_account ON proved_days (account_id, day)',
  'CREATE TABLE proved_hours (hour bigint PRIMARY KEY, hours integer NOT NULL)',
  // What the exchange has granted an account in all, less what lapsed, and the last day that it was decided for.
  `CREATE TABLE exchange_accounts (
     account_id text PRIMARY KEY REFERENCES accounts (id),
     granted bigint NOT NULL CHECK (granted >= 0),
     decided_day integer NOT NULL)`,
] as const;

// What puts had set aside, and what stored shards would have been charged: their bytes.
const CHARGES = [
  "UPDATE transactions SET charge = size_bytes WHERE op = 'put'",
  "UPDATE transactions SET charge = COALESCE(max_bytes, 0) WHERE op = 'universal'",
  `UPDATE shards SET charge = size_bytes WHERE state = 'stored' AND NOT EXISTS (SELECT 1 FROM transactions t
     WHERE t.id = shards.transaction_id AND t.host_id = shards.host_id AND t.item = shards.transaction_item
       AND t.state <> 'settled')`,
  `UPDATE group_contents SET
     account_id = (SELECT g.account_id FROM peer_groups g WHERE g.id = group_contents.group_id),
     charge = CASE WHEN EXISTS (SELECT 1 FROM transactions t WHERE t.group_id = group_contents.group_id
       AND t.host_id = group_contents.host_id AND t.cid = group_contents.cid AND t.op = 'put'
       AND t.state IN ('issued', 'unconfirmed')) THEN 0 ELSE size_bytes END`,
] as const;

const CHARGED = `SELECT account_id, CAST(SUM(charge) AS text) AS amount FROM (
    SELECT o.account_id AS account_id, s.charge AS charge FROM shards s JOIN objects o ON o.id = s.object_id
    UNION ALL SELECT account_id, charge FROM group_contents) charges
  WHERE charge > 0 GROUP BY account_id`;

// Set aside for what can still happen: puts, and what the uses of universal tokens have not spent.
const ASIDE = `SELECT client_account_id AS account_id, CAST(SUM(amount) AS text) AS amount FROM (
    SELECT client_account_id, charge AS amount FROM transactions
      WHERE op = 'put' AND is_use = 0 AND state IN ('issued', 'unconfirmed')
    UNION ALL SELECT client_account_id, charge FROM transactions WHERE op = 'universal' AND state = 'issued'
    UNION ALL SELECT u.client_account_id,
        CASE WHEN u.state = 'settled' THEN -u.charge ELSE 0 END
      FROM transactions u JOIN transactions t ON t.id = u.id AND t.host_id = u.host_id AND t.item = 0
      WHERE u.op = 'put' AND u.is_use = 1 AND t.state = 'issued'
    UNION ALL SELECT u.client_account_id, u.charge
      FROM transactions u JOIN transactions t ON t.id = u.id AND t.host_id = u.host_id AND t.item = 0
      WHERE u.op = 'put' AND u.is_use = 1 AND t.state <> 'issued' AND u.state IN ('issued', 'unconfirmed')
  ) aside GROUP BY client_account_id`;

export class Exchange1795000001100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...TABLES, ...CHARGES]) await runner.query(statement);
    await runner.query(
      `INSERT INTO ledger_accounts (id, balance)
         SELECT 'used:' || id, 0 FROM accounts UNION ALL SELECT 'withheld:' || id, 0 FROM accounts`,
    );
    await runner.query("UPDATE ledger_days SET kind = 'pay' WHERE kind = 'settle'");
    const chain = new Chain(runner);
    await runner.query('ALTER TABLE ledger_entries RENAME TO past_entries');
    await chain.createTable();
    await this.linkPast(runner, chain);
    await runner.query('DROP TABLE past_entries');
    await this.adjust(runner, chain);
    await runner.query('INSERT INTO ledger_head (id, seq, hash) VALUES (1, $1, $2)', [chain.seq, chain.hash]);
  }

  /** Entries of kinds that were not there before keep their names: what they hold fits no narrower table. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE ledger_entries RENAME TO chained_entries');
    await runner.query(
      `CREATE TABLE ledger_entries (
         transaction_id text NOT NULL,
         kind text NOT NULL,
         debit text NOT NULL REFERENCES ledger_accounts (id),
         credit text NOT NULL REFERENCES ledger_accounts (id),
         amount bigint NOT NULL CHECK (amount > 0),
         at_ms bigint NOT NULL,
         PRIMARY KEY (transaction_id, kind))`,
    );
    await runner.query(
      `INSERT INTO ledger_entries (transaction_id, kind, debit, credit, amount, at_ms)
         SELECT transaction_id, kind, debit, credit, amount, at_ms FROM chained_entries`,
    );
    await runner.query("UPDATE ledger_entries SET kind = 'settle' WHERE kind = 'pay'");
    await runner.query("UPDATE ledger_days SET kind = 'settle' WHERE kind = 'pay'");
    await runner.query(
      `INSERT INTO ledger_accounts (id, balance) SELECT 'earned:' || id, 0 FROM accounts
         WHERE 'earned:' || id NOT IN (SELECT id FROM ledger_accounts)`,
    );
    const tables = [
      'chained_entries',
      'exchange_accounts',
      'proved_hours',
      'proved_days',
      'ledger_archives',
      'ledger_head',
    ];
    for (const table of tables) await runner.query(`DROP TABLE ${table}`);
    await runner.query('ALTER TABLE ledger_days DROP COLUMN past_amount');
    await runner.query('ALTER TABLE group_contents DROP COLUMN account_id');
    for (const table of ['group_contents', 'shards', 'transactions'])
      await runner.query(`ALTER TABLE ${table} DROP COLUMN charge`);
    await runner.query('ALTER TABLE objects DROP COLUMN durability');
  }

  /** Oldest first. A settled put paid its host then: that is another kind of movement than what settling is. */
  private async linkPast(runner: QueryRunner, chain: Chain): Promise<void> {
    let last: PastEntry | undefined;
    do {
      const after = last;
      const past: PastEntry[] = await runner.query(
        `SELECT ${ENTRY_COLUMNS} FROM past_entries
         ${after === undefined ? '' : 'WHERE (at_ms, transaction_id, kind) > ($1, $2, $3)'}
         ORDER BY at_ms, transaction_id, kind LIMIT ${MOVED_AT_ONCE}`,
        after === undefined ? [] : [after.at_ms, after.transaction_id, after.kind],
      );
      for (const entry of past) await chain.append({ ...entry, kind: entry.kind === 'settle' ? 'pay' : entry.kind });
      last = past.at(-1);
    } while (last !== undefined);
  }

  /** The old books do not know what stands in the new purses: one movement for each account and purse. */
  private async adjust(runner: QueryRunner, chain: Chain): Promise<void> {
    const earned: Purse[] = await runner.query(
      "SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts WHERE id LIKE 'earned:%' AND balance > 0 ORDER BY id",
    );
    for (const { id, balance } of earned) {
      const account = id.slice('earned:'.length);
      await chain.move({ what: 'earned', account, from: id, to: `available:${account}`, amount: balance });
    }
    const aside = new Map<string, string>(
      (await runner.query(ASIDE)).map((row: { account_id: string; amount: string }) => [row.account_id, row.amount]),
    );
    const reserved: Purse[] = await runner.query(
      "SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts WHERE id LIKE 'reserved:%' AND balance > 0 ORDER BY id",
    );
    for (const { id, balance } of reserved) {
      const account = id.slice('reserved:'.length);
      const rest = BigInt(balance) - BigInt(aside.get(account) ?? 0);
      if (rest <= 0n) continue;
      await chain.move({ what: 'reserved', account, from: id, to: `available:${account}`, amount: rest.toString() });
    }
    const charged: { account_id: string; amount: string }[] = await runner.query(`${CHARGED} ORDER BY account_id`);
    for (const { account_id: account, amount } of charged) {
      await chain.move({ what: 'used', account, from: 'issuance', to: `used:${account}`, amount });
    }
  }
}

interface Purse {
  id: string;
  balance: string;
}

interface PastEntry {
  kind: string;
  transaction_id: string;
  debit: string;
  credit: string;
  amount: string;
  at_ms: number | string;
}

/** Writes entries one after another, each with the hash of itself and of all before it. */
class Chain {
  seq = 0;
  hash = CHAIN_BEGIN;

  constructor(private readonly runner: QueryRunner) {}

  async createTable(): Promise<void> {
    // In SQLite a primary key of exactly this name is the row's own number, and needs no index.
    const number = this.runner.connection.options.type === 'sqlite' ? 'integer' : 'bigint';
    await this.runner.query(
      `CREATE TABLE ledger_entries (
         seq ${number} PRIMARY KEY,
         kind text NOT NULL CHECK (kind IN ('grant', 'reserve', 'settle', 'void', 'release', 'earn', 'withhold', 'vest',
           'lapse', 'forfeit', 'adjust', 'pay')),
         transaction_id text NOT NULL,
         debit text NOT NULL REFERENCES ledger_accounts (id),
         credit text NOT NULL REFERENCES ledger_accounts (id),
         amount bigint NOT NULL CHECK (amount > 0),
         at_ms bigint NOT NULL,
         reason text,
         hash text NOT NULL,
         UNIQUE (transaction_id, kind))`,
    );
  }

  async append(entry: PastEntry, reason: string | null = null): Promise<void> {
    this.seq++;
    const { kind, transaction_id: id, debit, credit, amount } = entry;
    const atMs = Number(entry.at_ms);
    const canonical = JSON.stringify([this.seq, kind, id, debit, credit, amount, atMs, reason]);
    this.hash = createHash('sha256').update(this.hash, 'base64url').update(canonical, 'utf8').digest('base64url');
    await this.runner.query(
      `INSERT INTO ledger_entries (seq, kind, transaction_id, debit, credit, amount, at_ms, reason, hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [this.seq, kind, id, debit, credit, amount, atMs, reason, this.hash],
    );
  }

  async move(of: { what: string; account: string; from: string; to: string; amount: string }): Promise<void> {
    await this.runner.query('UPDATE ledger_accounts SET balance = balance - CAST($1 AS bigint) WHERE id = $2', [
      of.amount,
      of.from,
    ]);
    await this.runner.query('UPDATE ledger_accounts SET balance = balance + CAST($1 AS bigint) WHERE id = $2', [
      of.amount,
      of.to,
    ]);
    const entry = {
      kind: 'adjust',
      transaction_id: `exchange/${of.what}/${of.account}`,
      debit: of.from,
      credit: of.to,
      amount: of.amount,
      at_ms: Date.now(),
    };
    await this.append(entry, 'the purses of the exchange');
  }
}

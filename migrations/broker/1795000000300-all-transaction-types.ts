// Transactions of every type: several hosts and items under one id, tokens of several uses, deletion, groups, and sums
// in place of what ended long ago.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TRANSACTION_COLUMNS = `
  id text NOT NULL,
  host_id text NOT NULL,
  item integer NOT NULL DEFAULT 0,
  is_use integer NOT NULL DEFAULT 0,
  op text NOT NULL CHECK (op IN ('put', 'get', 'stream', 'delete', 'audit', 'probe', 'universal')),
  state text NOT NULL CHECK (state IN ('issued', 'unconfirmed', 'settled', 'void')),
  client_id text NOT NULL,
  client_account_id text,
  host_account_id text NOT NULL,
  object_id text,
  shard_index integer,
  cid text,
  size_bytes bigint NOT NULL,
  max_bytes bigint,
  max_uses integer,
  moved_bytes bigint NOT NULL DEFAULT 0,
  uses integer NOT NULL DEFAULT 0,
  group_id text,
  issued_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  receipt_at_ms bigint,
  client_outcome text,
  host_outcome text,
  PRIMARY KEY (id, host_id, item),
  CHECK ((client_id = 'broker') = (client_account_id IS NULL))`;

const KEPT = `id, op, state, client_id, client_account_id, host_id, host_account_id, object_id, shard_index, cid,
  size_bytes, issued_at_ms, expires_at_ms, receipt_at_ms, client_outcome, host_outcome`;

const FAILURE_COLUMNS = `
  host_id text NOT NULL,
  client_id text NOT NULL,
  reporter text NOT NULL CHECK (reporter IN ('host', 'client', 'broker')),
  op text NOT NULL,
  code text NOT NULL,
  hour_ms bigint NOT NULL,
  failures bigint NOT NULL,
  last_at_ms bigint NOT NULL,
  PRIMARY KEY (host_id, client_id, reporter, op, code, hour_ms)`;

const UP = [
  `CREATE TABLE next_transactions (${TRANSACTION_COLUMNS})`,
  `INSERT INTO next_transactions (item, ${KEPT}) SELECT 0, ${KEPT} FROM transactions`,
  'DROP TABLE transactions',
  'ALTER TABLE next_transactions RENAME TO transactions',
  'CREATE INDEX transactions_to_end ON transactions (state, expires_at_ms)',

  `CREATE TABLE next_failures (${FAILURE_COLUMNS})`,
  `INSERT INTO next_failures (host_id, client_id, reporter, op, code, hour_ms, failures, last_at_ms)
     SELECT host_id, client_id, reporter, '', code, hour_ms, failures, hour_ms FROM peer_failures`,
  'DROP TABLE peer_failures',
  'ALTER TABLE next_failures RENAME TO peer_failures',
  'CREATE INDEX peer_failures_by_age ON peer_failures (hour_ms)',

  // A stored shard without a transaction is of a put that was paid for, or withheld, and has been summed up.
  'ALTER TABLE shards ADD COLUMN transaction_item integer NOT NULL DEFAULT 0',
  'ALTER TABLE shards ADD COLUMN retain_until_ms bigint',
  'DROP INDEX shards_of_host',
  'CREATE INDEX shards_of_host ON shards (host_id, cid)',
  // A deleted object is remembered while hosts still have shards of it: those are unwanted.
  'ALTER TABLE objects ADD COLUMN deleted_at_ms bigint',
  'CREATE INDEX objects_deleted ON objects (deleted_at_ms)',

  `CREATE TABLE transaction_days (
     day integer NOT NULL,
     client_account_id text NOT NULL,
     host_account_id text NOT NULL,
     op text NOT NULL,
     outcome text NOT NULL,
     transactions bigint NOT NULL,
     bytes bigint NOT NULL,
     PRIMARY KEY (day, client_account_id, host_account_id, op, outcome))`,
  `CREATE TABLE ledger_days (
     day integer NOT NULL,
     kind text NOT NULL,
     debit text NOT NULL REFERENCES ledger_accounts (id),
     credit text NOT NULL REFERENCES ledger_accounts (id),
     amount bigint NOT NULL CHECK (amount > 0),
     entries bigint NOT NULL,
     PRIMARY KEY (day, kind, debit, credit))`,

  `CREATE TABLE peer_groups (
     id text PRIMARY KEY,
     account_id text NOT NULL REFERENCES accounts (id),
     name text NOT NULL,
     created_at_ms bigint NOT NULL)`,
  'CREATE INDEX peer_groups_of_account ON peer_groups (account_id)',
  `CREATE TABLE group_peers (
     group_id text NOT NULL REFERENCES peer_groups (id),
     peer_id text NOT NULL REFERENCES peers (id),
     standing text NOT NULL CHECK (standing IN ('member', 'applicant')),
     since_ms bigint NOT NULL,
     PRIMARY KEY (group_id, peer_id))`,
  'CREATE INDEX group_peers_of_peer ON group_peers (peer_id)',
  `CREATE TABLE group_contents (
     group_id text NOT NULL REFERENCES peer_groups (id),
     host_id text NOT NULL REFERENCES peers (id),
     cid text NOT NULL,
     size_bytes bigint NOT NULL,
     PRIMARY KEY (group_id, host_id, cid))`,
  'CREATE INDEX group_contents_of_host ON group_contents (host_id, cid)',
];

const DOWN = [
  'DROP TABLE group_contents',
  'DROP TABLE group_peers',
  'DROP TABLE peer_groups',
  'DROP TABLE ledger_days',
  'DROP TABLE transaction_days',
  'DROP INDEX objects_deleted',
  'ALTER TABLE objects DROP COLUMN deleted_at_ms',
  'DROP INDEX shards_of_host',
  'CREATE INDEX shards_of_host ON shards (host_id, state)',
  'ALTER TABLE shards DROP COLUMN retain_until_ms',
  'ALTER TABLE shards DROP COLUMN transaction_item',
];

export class AllTransactionTypes1795000000300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  /** The transactions and failures themselves keep their wider tables: what they hold fits no narrower one. */
  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

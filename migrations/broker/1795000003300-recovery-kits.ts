// Recovery kits, and the transactions of op `offline` that they are made of.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const COLUMNS = `id, host_id, item, is_use, op, state, client_id, client_account_id, host_account_id, object_id, shard_index,
  cid, size_bytes, max_bytes, max_uses, moved_bytes, uses, group_id, issued_at_ms, expires_at_ms, receipt_at_ms,
  client_outcome, host_outcome, charge`;

const UP = [
  `CREATE TABLE recovery_kits (
     id text PRIMARY KEY,
     account_id text NOT NULL REFERENCES accounts (id),
     made_by text NOT NULL REFERENCES peers (id),
     made_at_ms bigint NOT NULL,
     expires_at_ms bigint NOT NULL,
     withdrawn_at_ms bigint,
     tokens integer NOT NULL DEFAULT 0)`,
  'CREATE INDEX recovery_kits_of_account ON recovery_kits (account_id, expires_at_ms)',
  'CREATE INDEX recovery_kits_by_end ON recovery_kits (expires_at_ms)',

  // The check of a column cannot be widened in place.
  `CREATE TABLE wider_transactions (
     id text NOT NULL,
     host_id text NOT NULL,
     item integer NOT NULL DEFAULT 0,
     is_use integer NOT NULL DEFAULT 0,
     op text NOT NULL CHECK (op IN ('put', 'get', 'stream', 'delete', 'audit', 'probe', 'universal', 'offline')),
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
     charge bigint NOT NULL DEFAULT 0,
     PRIMARY KEY (id, host_id, item),
     CHECK ((client_id = 'broker') = (client_account_id IS NULL)))`,
  `INSERT INTO wider_transactions (${COLUMNS}) SELECT ${COLUMNS} FROM transactions`,
  'DROP TABLE transactions',
  'ALTER TABLE wider_transactions RENAME TO transactions',
  'CREATE INDEX transactions_to_end ON transactions (state, expires_at_ms)',
];

export class RecoveryKits1795000003300 implements MigrationInterface {
  name = 'RecoveryKits1795000003300';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  /** The transactions keep their wider table: what it holds fits no narrower one. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE recovery_kits');
  }
}

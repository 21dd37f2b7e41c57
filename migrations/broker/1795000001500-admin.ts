// What the operator's interface keeps: its keys, the log of every change, answers of requests that may come again, and
// the versions of the policy.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE admin_keys (
     id text PRIMARY KEY,
     key_hash text NOT NULL UNIQUE,
     name text NOT NULL,
     role text NOT NULL CHECK (role IN ('viewer', 'support', 'operator')),
     created_at_ms bigint NOT NULL,
     expires_at_ms bigint NOT NULL,
     revoked_at_ms bigint)`,

  `CREATE TABLE admin_log (
     seq bigint PRIMARY KEY,
     at_ms bigint NOT NULL,
     actor text NOT NULL,
     action text NOT NULL,
     subject text NOT NULL,
     reason text NOT NULL,
     details text NOT NULL,
     hash text NOT NULL)`,
  // The row that a unit locks before it appends: numbers have no gap, and the end of the log cannot be cut off unseen.
  `CREATE TABLE admin_log_head (
     id integer PRIMARY KEY,
     seq bigint NOT NULL,
     hash text NOT NULL)`,
  "INSERT INTO admin_log_head (id, seq, hash) VALUES (1, 0, '')",

  `CREATE TABLE admin_answers (
     key_id text NOT NULL,
     idempotency_key text NOT NULL,
     request_hash text NOT NULL,
     sealed_answer text NOT NULL,
     expires_at_ms bigint NOT NULL,
     PRIMARY KEY (key_id, idempotency_key))`,
  'CREATE INDEX admin_answers_by_age ON admin_answers (expires_at_ms)',

  `CREATE TABLE policy_versions (
     version integer PRIMARY KEY,
     origin text NOT NULL CHECK (origin IN ('file', 'admin')),
     written text NOT NULL,
     made_by text NOT NULL,
     reason text NOT NULL,
     at_ms bigint NOT NULL)`,

  'ALTER TABLE enrolment_keys ADD COLUMN revoked_at_ms bigint',
  // The operator wants this peer to take another key.
  'ALTER TABLE transaction_keys ADD COLUMN renewal_asked_at_ms bigint',
];

const DOWN = [
  'ALTER TABLE transaction_keys DROP COLUMN renewal_asked_at_ms',
  'ALTER TABLE enrolment_keys DROP COLUMN revoked_at_ms',
  'DROP TABLE policy_versions',
  'DROP TABLE admin_answers',
  'DROP TABLE admin_log_head',
  'DROP TABLE admin_log',
  'DROP TABLE admin_keys',
];

export class Admin1795000001500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

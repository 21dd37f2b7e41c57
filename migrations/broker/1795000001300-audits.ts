// What the broker knows of its hosts by audits: the challenge that each has yet to answer, its score, and days of outcomes.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE audits_pending (
    host_id text PRIMARY KEY REFERENCES peers (id),
    cid text NOT NULL,
    size_bytes bigint NOT NULL,
    block integer NOT NULL,
    unanswered integer NOT NULL,
    contained_since_ms bigint,
    begun_at_ms bigint NOT NULL)`,
  `CREATE TABLE audit_scores (
    host_id text PRIMARY KEY REFERENCES peers (id),
    good double precision NOT NULL,
    bad double precision NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('ok', 'suspicious', 'suspend')),
    due_at_ms bigint NOT NULL,
    passed bigint NOT NULL,
    failed bigint NOT NULL,
    passed_at_ms bigint,
    failed_at_ms bigint)`,
  `CREATE TABLE audit_days (
    day integer NOT NULL,
    host_id text NOT NULL REFERENCES peers (id),
    outcome text NOT NULL CHECK (outcome IN ('ok', 'failed', 'contained', 'offline', 'broker_at_fault')),
    audits bigint NOT NULL,
    PRIMARY KEY (day, host_id, outcome))`,
];

export class Audits1795000001300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit_days', 'audit_scores', 'audits_pending']) await runner.query(`DROP TABLE ${table}`);
  }
}

// What the operator should look at: conditions as they are seen, alerts as they began and ended, and posts on their way.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE alert_conditions (
     kind text PRIMARY KEY,
     bad_since_ms bigint,
     good_since_ms bigint,
     alert_id text,
     told_at_ms bigint)`,
  `CREATE TABLE alerts (
     id text PRIMARY KEY,
     kind text NOT NULL,
     detail text NOT NULL,
     began_at_ms bigint NOT NULL,
     ended_at_ms bigint)`,
  'CREATE INDEX alerts_by_end ON alerts (ended_at_ms)',
  `CREATE TABLE alert_posts (
     id text PRIMARY KEY,
     document text NOT NULL,
     tries integer NOT NULL,
     made_at_ms bigint NOT NULL,
     due_at_ms bigint NOT NULL)`,
];

const DOWN = ['DROP TABLE alert_posts', 'DROP TABLE alerts', 'DROP TABLE alert_conditions'];

export class Alerts1795000001650 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

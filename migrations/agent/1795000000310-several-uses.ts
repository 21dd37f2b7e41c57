// Tokens of several uses have a budget in their row; a report may stand for all earlier ones about the same thing.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // 0 for a token of one use, which has no budget.
  'ALTER TABLE used_token ADD COLUMN uses integer NOT NULL DEFAULT 0',
  'ALTER TABLE used_token ADD COLUMN moved_bytes bigint NOT NULL DEFAULT 0',
  // Reserved by uses that run, or that a crash ended: nobody knows what those moved.
  'ALTER TABLE used_token ADD COLUMN held_bytes bigint NOT NULL DEFAULT 0 CHECK (held_bytes >= 0)',
  'ALTER TABLE report ADD COLUMN subject text',
  'CREATE UNIQUE INDEX report_of_subject ON report (subject)',
];

const DOWN = [
  'DROP INDEX report_of_subject',
  'ALTER TABLE report DROP COLUMN subject',
  'ALTER TABLE used_token DROP COLUMN held_bytes',
  'ALTER TABLE used_token DROP COLUMN moved_bytes',
  'ALTER TABLE used_token DROP COLUMN uses',
];

export class SeveralUses1795000000310 implements MigrationInterface {
  name = 'SeveralUses1795000000310';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

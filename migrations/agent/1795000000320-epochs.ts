// A home knows its epoch and its runs, so that an older copy of it is found out; tokens from before a restore are refused.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  'ALTER TABLE agent_state ADD COLUMN epoch bigint NOT NULL DEFAULT 0',
  // What the broker acknowledged last, and what it is asked to acknowledge next.
  'ALTER TABLE agent_state ADD COLUMN run_id text',
  'ALTER TABLE agent_state ADD COLUMN next_run_id text',
  'ALTER TABLE agent_state ADD COLUMN tokens_since_ms bigint NOT NULL DEFAULT 0',
  'ALTER TABLE agent_state ADD COLUMN restore_accepted integer NOT NULL DEFAULT 0',
];

const DOWN = [
  'ALTER TABLE agent_state DROP COLUMN restore_accepted',
  'ALTER TABLE agent_state DROP COLUMN tokens_since_ms',
  'ALTER TABLE agent_state DROP COLUMN next_run_id',
  'ALTER TABLE agent_state DROP COLUMN run_id',
  'ALTER TABLE agent_state DROP COLUMN epoch',
];

export class Epochs1795000000320 implements MigrationInterface {
  name = 'Epochs1795000000320';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

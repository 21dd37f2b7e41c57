// What a host's home showed when it was acknowledged last, so that an older copy of it is found out.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class HomeEpochs1795000000400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE peers ADD COLUMN home_epoch bigint');
    await runner.query('ALTER TABLE peers ADD COLUMN home_run_id text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE peers DROP COLUMN home_run_id');
    await runner.query('ALTER TABLE peers DROP COLUMN home_epoch');
  }
}

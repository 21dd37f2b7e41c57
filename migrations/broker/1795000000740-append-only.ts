// Machines that may not delete, objects that nobody may delete yet, and a quick way to an account's deleted objects.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AppendOnly1795000000740 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Since when; null for a machine that may.
    await runner.query('ALTER TABLE peers ADD COLUMN append_only_at_ms bigint');
    // What their puts promised; null without a promise.
    await runner.query('ALTER TABLE objects ADD COLUMN retain_until_ms bigint');
    await runner.query(
      'CREATE INDEX objects_deleted_of_account ON objects (account_id, id) WHERE deleted_at_ms IS NOT NULL',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX objects_deleted_of_account');
    await runner.query('ALTER TABLE objects DROP COLUMN retain_until_ms');
    await runner.query('ALTER TABLE peers DROP COLUMN append_only_at_ms');
  }
}

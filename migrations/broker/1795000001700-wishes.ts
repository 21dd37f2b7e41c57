// Where hosts say that they stand, and which hosts the owners of objects wished for them.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Wishes1795000001700 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE peers ADD COLUMN region text');
    // Names of regions with commas between them; null where any will do.
    await runner.query('ALTER TABLE objects ADD COLUMN wished_regions text');
    await runner.query('ALTER TABLE objects ADD COLUMN wished_group text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE objects DROP COLUMN wished_group');
    await runner.query('ALTER TABLE objects DROP COLUMN wished_regions');
    await runner.query('ALTER TABLE peers DROP COLUMN region');
  }
}

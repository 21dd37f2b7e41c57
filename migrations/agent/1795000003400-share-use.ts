// How often each shared file was downloaded: a link stops to work when that is as often as its owner allowed.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ShareUse1795000003400 implements MigrationInterface {
  name = 'ShareUse1795000003400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE share_use (share_id text PRIMARY KEY, downloads integer NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE share_use');
  }
}

// A stored shard that its account cannot have of its host is put to another: the put that is to bring it there.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class ShardsThatMove1795000000720 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE shards ADD COLUMN move_transaction_id text');
    await runner.query('ALTER TABLE shards ADD COLUMN move_transaction_item integer NOT NULL DEFAULT 0');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE shards DROP COLUMN move_transaction_item');
    await runner.query('ALTER TABLE shards DROP COLUMN move_transaction_id');
  }
}

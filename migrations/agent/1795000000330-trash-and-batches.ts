// Shards may be kept until a time, and wait in the trash when they are deleted; a batch remembers what became of its items.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // 0 for a shard that nobody asked to keep.
  'ALTER TABLE shard ADD COLUMN retain_until_ms bigint NOT NULL DEFAULT 0',
  // One cid may be deleted, put, and deleted again.
  `CREATE TABLE trash (
     deleted_ms bigint NOT NULL,
     cid text NOT NULL,
     size_bytes bigint NOT NULL,
     transaction_id text NOT NULL,
     PRIMARY KEY (deleted_ms, cid)
   )`,
  'CREATE INDEX trash_of_cid ON trash (cid)',
  // 1 for a batch of which something is done: its token is known across an unclean stop.
  'ALTER TABLE used_token ADD COLUMN begun integer NOT NULL DEFAULT 0',
  // In the key's order of used_token, so that both are pruned by one range.
  `CREATE TABLE batch_item (
     expires_ms bigint NOT NULL,
     transaction_id text NOT NULL,
     item integer NOT NULL,
     result text NOT NULL,
     PRIMARY KEY (expires_ms, transaction_id, item)
   )`,
];

const DOWN = [
  'DROP TABLE batch_item',
  'ALTER TABLE used_token DROP COLUMN begun',
  'DROP INDEX trash_of_cid',
  'DROP TABLE trash',
  'ALTER TABLE shard DROP COLUMN retain_until_ms',
];

export class TrashAndBatches1795000000330 implements MigrationInterface {
  name = 'TrashAndBatches1795000000330';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

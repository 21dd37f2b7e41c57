// Where the scrub of a host's own shards is, and which shards it, or a reader, has found spoiled and the broker has not heard of.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE scrub_state (
     id integer PRIMARY KEY,
     after_cid text NOT NULL,
     round_bytes bigint NOT NULL,
     round_shards bigint NOT NULL,
     round_began_ms bigint NOT NULL,
     rounds bigint NOT NULL,
     round_ended_ms bigint NOT NULL,
     corrupt bigint NOT NULL)`,
  `INSERT INTO scrub_state (id, after_cid, round_bytes, round_shards, round_began_ms, rounds, round_ended_ms, corrupt)
     VALUES (1, '', 0, 0, 0, 0, 0, 0)`,
  'CREATE TABLE corrupt_shard (cid text PRIMARY KEY, found_ms bigint NOT NULL)',
];

export class Scrub1795000001300 implements MigrationInterface {
  name = 'Scrub1795000001300';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['corrupt_shard', 'scrub_state']) await runner.query(`DROP TABLE ${table}`);
  }
}

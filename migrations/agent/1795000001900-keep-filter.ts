// What the host last heard of what it should hold, what it put away since, and what a person has to decide.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE keep_filter_state (
     id integer PRIMARY KEY,
     asked_ms bigint NOT NULL,
     listed_ms bigint NOT NULL,
     revision bigint NOT NULL,
     code text,
     last_shards bigint NOT NULL,
     last_bytes bigint NOT NULL,
     all_shards bigint NOT NULL,
     all_bytes bigint NOT NULL,
     back_shards bigint NOT NULL,
     held_shards bigint NOT NULL,
     held_bytes bigint NOT NULL,
     accepted_shards bigint NOT NULL)`,
  `INSERT INTO keep_filter_state (id, asked_ms, listed_ms, revision, last_shards, last_bytes, all_shards, all_bytes,
       back_shards, held_shards, held_bytes, accepted_shards)
     VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`,
];

export class KeepFilter1795000001900 implements MigrationInterface {
  name = 'KeepFilter1795000001900';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE keep_filter_state');
  }
}

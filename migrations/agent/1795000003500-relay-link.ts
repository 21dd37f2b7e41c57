// Whether this peer needs a relay, which one it uses, since when, and how often that failed: for the next start and for `status`.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE relay_link (
     id integer PRIMARY KEY,
     is_wanted integer NOT NULL,
     reason text NOT NULL,
     relay_id text,
     address text,
     port integer,
     since_ms bigint NOT NULL,
     attached bigint NOT NULL,
     lost bigint NOT NULL,
     failures bigint NOT NULL,
     code text)`,
  `INSERT INTO relay_link (id, is_wanted, reason, since_ms, attached, lost, failures)
     VALUES (1, 0, 'not_known', 0, 0, 0, 0)`,
];

export class RelayLink1795000003500 implements MigrationInterface {
  name = 'RelayLink1795000003500';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE relay_link');
  }
}

// Content that a host did not show when it was asked, or said to have lost: it may have it all the same, and keeps it then.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = `CREATE TABLE lost_places (
  host_id text NOT NULL REFERENCES peers (id),
  cid text NOT NULL,
  at_ms bigint NOT NULL,
  PRIMARY KEY (host_id, cid))`;

export class LostPlaces1795000001900 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
    await runner.query('CREATE INDEX lost_places_by_age ON lost_places (at_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE lost_places');
  }
}

// What the console needs: which machine began an object, and browsers in which an admin key is signed in.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  'ALTER TABLE objects ADD COLUMN client_id text',
  // Of older objects it is known as long as their puts have not been summed up.
  `UPDATE objects SET client_id = known.client_id FROM
     (SELECT object_id, MIN(client_id) AS client_id FROM transactions WHERE op = 'put' GROUP BY object_id) AS known
   WHERE known.object_id = objects.id`,
  `CREATE TABLE admin_sessions (
     id_hash text PRIMARY KEY,
     key_id text NOT NULL REFERENCES admin_keys (id),
     created_at_ms bigint NOT NULL,
     expires_at_ms bigint NOT NULL)`,
  'CREATE INDEX admin_sessions_by_end ON admin_sessions (expires_at_ms)',
];

export class Console1795000001800 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE admin_sessions');
    await runner.query('ALTER TABLE objects DROP COLUMN client_id');
  }
}

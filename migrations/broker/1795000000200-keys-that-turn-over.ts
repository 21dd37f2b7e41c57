// Peers may be revoked, with a reason; keys count their transactions; rotations of the key-encryption key are asked for.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // A column's own check goes with the column, in SQLite and PostgreSQL alike; a table cannot be replaced while others
  // refer to it.
  `ALTER TABLE peers ADD COLUMN next_state text NOT NULL DEFAULT 'active'
     CHECK (next_state IN ('active', 'suspended', 'revoked'))`,
  'UPDATE peers SET next_state = state',
  'ALTER TABLE peers DROP COLUMN state',
  'ALTER TABLE peers RENAME COLUMN next_state TO state',
  'ALTER TABLE peers ADD COLUMN state_changed_at_ms bigint',
  "ALTER TABLE peers ADD COLUMN state_changed_by text CHECK (state_changed_by IN ('owner', 'operator'))",
  'ALTER TABLE peers ADD COLUMN state_reason text',
  // Rises with every change of a state, in the order of commits: what a running broker has not seen is above what it has.
  'ALTER TABLE peers ADD COLUMN state_revision bigint NOT NULL DEFAULT 0',
  'CREATE INDEX peers_by_state_revision ON peers (state_revision)',
  'CREATE TABLE peer_state_revision (id integer PRIMARY KEY CHECK (id = 1), revision bigint NOT NULL)',
  'INSERT INTO peer_state_revision (id, revision) VALUES (1, 0)',
  'ALTER TABLE transaction_keys ADD COLUMN transaction_count bigint NOT NULL DEFAULT 0',
  `CREATE TABLE key_rotations (
     id text PRIMARY KEY,
     requested_at_ms bigint NOT NULL,
     key_id text,
     rewrapped bigint NOT NULL DEFAULT 0,
     finished_at_ms bigint)`,
];

const DOWN = [
  'DROP TABLE key_rotations',
  'ALTER TABLE transaction_keys DROP COLUMN transaction_count',
  'DROP TABLE peer_state_revision',
  'DROP INDEX peers_by_state_revision',
  'ALTER TABLE peers DROP COLUMN state_revision',
  'ALTER TABLE peers DROP COLUMN state_reason',
  'ALTER TABLE peers DROP COLUMN state_changed_by',
  'ALTER TABLE peers DROP COLUMN state_changed_at_ms',
  `ALTER TABLE peers ADD COLUMN last_state text NOT NULL DEFAULT 'active' CHECK (last_state IN ('active', 'suspended'))`,
  "UPDATE peers SET last_state = 'suspended' WHERE state <> 'active'",
  'ALTER TABLE peers DROP COLUMN state',
  'ALTER TABLE peers RENAME COLUMN last_state TO state',
];

export class KeysThatTurnOver1795000000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

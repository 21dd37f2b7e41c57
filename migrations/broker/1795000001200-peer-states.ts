// Peers on probation, leaving and gone; every change of a state, for good; how much hosts are there, and how fast they are.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATES = "('vetting', 'active', 'leaving', 'suspended', 'gone', 'revoked')";

const UP = [
  // A column's own check goes with the column, in SQLite and PostgreSQL alike.
  `ALTER TABLE peers ADD COLUMN next_state text NOT NULL DEFAULT 'vetting' CHECK (next_state IN ${STATES})`,
  'UPDATE peers SET next_state = state',
  'ALTER TABLE peers DROP COLUMN state',
  'ALTER TABLE peers RENAME COLUMN next_state TO state',
  `ALTER TABLE peers ADD COLUMN next_changed_by text CHECK (next_changed_by IN ('owner', 'operator', 'broker'))`,
  'UPDATE peers SET next_changed_by = state_changed_by',
  'ALTER TABLE peers DROP COLUMN state_changed_by',
  'ALTER TABLE peers RENAME COLUMN next_changed_by TO state_changed_by',
  'ALTER TABLE peers ADD COLUMN state_code text',
  // Since when it is no longer on probation; null for a peer that is, or was when it was suspended.
  'ALTER TABLE peers ADD COLUMN vetted_at_ms bigint',
  'UPDATE peers SET vetted_at_ms = created_at_ms',
  `UPDATE peers SET state_code = CASE state_changed_by WHEN 'owner' THEN 'owner_asked' ELSE 'operator_asked' END
     WHERE state_changed_at_ms IS NOT NULL`,
  'CREATE INDEX peers_by_state ON peers (state)',
  // One row a change, in the order of commits. Rows are never changed, and never deleted.
  `CREATE TABLE peer_state_changes (
     revision bigint PRIMARY KEY,
     peer_id text NOT NULL REFERENCES peers (id),
     from_state text NOT NULL CHECK (from_state IN ${STATES}),
     to_state text NOT NULL CHECK (to_state IN ${STATES}),
     changed_by text NOT NULL CHECK (changed_by IN ('owner', 'operator', 'broker')),
     code text NOT NULL,
     reason text NOT NULL,
     at_ms bigint NOT NULL)`,
  'CREATE INDEX peer_state_changes_of_peer ON peer_state_changes (peer_id, revision)',
  // What came of asking a host whether it is there, by windows of twelve hours.
  `CREATE TABLE peer_uptime (
     peer_id text NOT NULL REFERENCES peers (id),
     window_ms bigint NOT NULL,
     asked bigint NOT NULL,
     answered bigint NOT NULL,
     PRIMARY KEY (peer_id, window_ms),
     CHECK (answered <= asked))`,
  'CREATE INDEX peer_uptime_by_window ON peer_uptime (window_ms)',
  `CREATE TABLE peer_speeds (
     peer_id text PRIMARY KEY REFERENCES peers (id),
     bytes_per_second double precision NOT NULL,
     samples bigint NOT NULL,
     measured_at_ms bigint NOT NULL)`,
];

const DOWN = [
  'DROP TABLE peer_speeds',
  'DROP TABLE peer_uptime',
  'DROP TABLE peer_state_changes',
  'DROP INDEX peers_by_state',
  'ALTER TABLE peers DROP COLUMN vetted_at_ms',
  'ALTER TABLE peers DROP COLUMN state_code',
  `ALTER TABLE peers ADD COLUMN last_changed_by text CHECK (last_changed_by IN ('owner', 'operator'))`,
  `UPDATE peers SET last_changed_by = CASE state_changed_by WHEN 'broker' THEN 'operator' ELSE state_changed_by END`,
  'ALTER TABLE peers DROP COLUMN state_changed_by',
  'ALTER TABLE peers RENAME COLUMN last_changed_by TO state_changed_by',
  `ALTER TABLE peers ADD COLUMN last_state text NOT NULL DEFAULT 'active'
     CHECK (last_state IN ('active', 'suspended', 'revoked'))`,
  "UPDATE peers SET last_state = state WHERE state IN ('suspended', 'revoked')",
  'ALTER TABLE peers DROP COLUMN state',
  'ALTER TABLE peers RENAME COLUMN last_state TO state',
];

export class PeerStates1795000001200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

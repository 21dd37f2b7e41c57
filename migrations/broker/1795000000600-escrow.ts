// Master keys in escrow, machines that may recover from them, what happened; and a purpose that a person can approve.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = {
  escrow_secrets: `
    name text PRIMARY KEY,
    sealed_secret text NOT NULL`,
  escrows: `
    account_id text PRIMARY KEY REFERENCES accounts (id),
    escrow_id text NOT NULL,
    escrowed_key text,
    asked_by text NOT NULL REFERENCES peers (id),
    stored_at_ms bigint,
    CHECK ((escrowed_key IS NULL) = (stored_at_ms IS NULL))`,
  escrow_recoveries: `
    peer_id text PRIMARY KEY REFERENCES peers (id),
    account_id text NOT NULL REFERENCES accounts (id),
    id text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('approved', 'waiting', 'given', 'cancelled')),
    asks integer NOT NULL CHECK (asks >= 0),
    asked_at_ms bigint NOT NULL,
    wait_ms bigint NOT NULL,
    waited_ms bigint NOT NULL,
    counted_by text NOT NULL,
    counted_at_ms bigint NOT NULL`,
  escrow_events: `
    account_id text NOT NULL REFERENCES accounts (id),
    number bigint NOT NULL,
    peer_id text REFERENCES peers (id),
    kind text NOT NULL,
    at_ms bigint NOT NULL,
    PRIMARY KEY (account_id, number)`,
} as const;

/** A column's own check goes with the column, in SQLite and PostgreSQL alike. */
const purposes = (list: string): readonly string[] => [
  `ALTER TABLE device_grants ADD COLUMN next_purpose text NOT NULL DEFAULT 'host' CHECK (next_purpose IN (${list}))`,
  'UPDATE device_grants SET next_purpose = purpose',
  'ALTER TABLE device_grants DROP COLUMN purpose',
  'ALTER TABLE device_grants RENAME COLUMN next_purpose TO purpose',
];

export class Escrow1795000000600 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [name, columns] of Object.entries(TABLES)) await runner.query(`CREATE TABLE ${name} (${columns})`);
    await runner.query('CREATE INDEX escrow_recoveries_of_account ON escrow_recoveries (account_id, state)');
    for (const statement of purposes("'host', 'client', 'recovery'")) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("DELETE FROM device_grants WHERE purpose = 'recovery'");
    for (const statement of purposes("'host', 'client'")) await runner.query(statement);
    for (const name of Object.keys(TABLES).reverse()) await runner.query(`DROP TABLE ${name}`);
  }
}

// People's accounts: e-mail and password, sessions of their browsers, networks they sign in from, links mailed to them.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = {
  sessions: `
    id_hash text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts (id),
    signed_in_at_ms bigint NOT NULL,
    seen_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL`,
  account_networks: `
    account_id text NOT NULL REFERENCES accounts (id),
    network_hash text NOT NULL,
    seen_at_ms bigint NOT NULL,
    PRIMARY KEY (account_id, network_hash)`,
  mail_links: `
    token_hash text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('register', 'reset', 'notice')),
    email text NOT NULL,
    account_id text REFERENCES accounts (id),
    name text,
    password_hash text,
    attempts_left integer NOT NULL CHECK (attempts_left >= 0),
    expires_at_ms bigint NOT NULL`,
} as const;

export class Accounts1795000000150 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE accounts ADD COLUMN email text');
    await runner.query('ALTER TABLE accounts ADD COLUMN password_hash text');
    await runner.query('CREATE UNIQUE INDEX accounts_by_email ON accounts (email)');
    for (const [name, columns] of Object.entries(TABLES)) await runner.query(`CREATE TABLE ${name} (${columns})`);
    await runner.query('CREATE INDEX sessions_of_account ON sessions (account_id, seen_at_ms)');
    await runner.query('CREATE INDEX sessions_by_end ON sessions (expires_at_ms)');
    await runner.query('CREATE INDEX mail_links_of_email ON mail_links (email)');
    await runner.query('CREATE INDEX mail_links_by_end ON mail_links (expires_at_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of Object.keys(TABLES).reverse()) await runner.query(`DROP TABLE ${name}`);
    await runner.query('DROP INDEX accounts_by_email');
    await runner.query('ALTER TABLE accounts DROP COLUMN password_hash');
    await runner.query('ALTER TABLE accounts DROP COLUMN email');
  }
}

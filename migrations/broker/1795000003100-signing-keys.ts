// What the broker signs statements with, a key for each use, and the keys under which a domain speaks on a local network.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = {
  broker_signing_keys: `
    kid text PRIMARY KEY,
    key_use text NOT NULL CHECK (key_use IN ('lease', 'approval', 'release')),
    public_key text NOT NULL,
    sealed_private_key text NOT NULL,
    created_at_ms bigint NOT NULL`,
  // The epoch is a text, as every part of the key of a sealed row is.
  lan_epochs: `
    epoch text PRIMARY KEY,
    sealed_key text NOT NULL,
    from_ms bigint NOT NULL,
    until_ms bigint NOT NULL,
    CHECK (from_ms < until_ms)`,
} as const;

export class SigningKeys1795000003100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [name, columns] of Object.entries(TABLES)) await runner.query(`CREATE TABLE ${name} (${columns})`);
    await runner.query('CREATE INDEX broker_signing_keys_of_use ON broker_signing_keys (key_use, created_at_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of Object.keys(TABLES).reverse()) await runner.query(`DROP TABLE ${name}`);
  }
}

// Machines that wait for a person's approval (RFC 8628).
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DeviceGrants1795000000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE device_grants (
      device_code_hash text PRIMARY KEY,
      user_code text NOT NULL UNIQUE,
      name text NOT NULL,
      purpose text NOT NULL CHECK (purpose IN ('host', 'client')),
      program text NOT NULL,
      csr text NOT NULL,
      fingerprint text NOT NULL,
      network text NOT NULL,
      state text NOT NULL CHECK (state IN ('waiting', 'approved', 'refused')),
      account_id text REFERENCES accounts (id),
      created_at_ms bigint NOT NULL,
      expires_at_ms bigint NOT NULL,
      CHECK (state = 'waiting' OR account_id IS NOT NULL))`);
    await runner.query('CREATE INDEX device_grants_of_network ON device_grants (network)');
    await runner.query('CREATE INDEX device_grants_by_end ON device_grants (expires_at_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE device_grants');
  }
}

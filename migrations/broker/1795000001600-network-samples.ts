// How the network was: a sample for each hour, and one for each day that is kept for longer.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `CREATE TABLE network_samples (
     step text NOT NULL CHECK (step IN ('hour', 'day')),
     at_ms bigint NOT NULL,
     vetting integer NOT NULL,
     active integer NOT NULL,
     leaving integer NOT NULL,
     suspended integer NOT NULL,
     gone integer NOT NULL,
     revoked integer NOT NULL,
     online_hosts integer NOT NULL,
     donated_bytes bigint NOT NULL,
     used_bytes bigint NOT NULL,
     objects bigint NOT NULL,
     objects_at_risk bigint NOT NULL,
     repairs_waiting bigint NOT NULL,
     audits_passed bigint NOT NULL,
     audits_failed bigint NOT NULL,
     audits_passed_ever bigint NOT NULL,
     audits_failed_ever bigint NOT NULL,
     credit_earned bigint NOT NULL,
     credit_used bigint NOT NULL,
     losses_per_host_year double precision,
     PRIMARY KEY (step, at_ms))`,
  // Only those that lack a shard stand in it: counting them costs what they are, not what is stored.
  `CREATE INDEX objects_lacking_shards ON objects (created_at_ms)
     WHERE deleted_at_ms IS NULL AND stored_shards < total_shards`,
];

const DOWN = ['DROP INDEX objects_lacking_shards', 'DROP TABLE network_samples'];

export class NetworkSamples1795000001600 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}

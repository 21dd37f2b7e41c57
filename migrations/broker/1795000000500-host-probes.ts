// What came of the broker's probes of each host, at the address and port that it was probed at.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class HostProbes1795000000500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE host_probes (
      peer_id text PRIMARY KEY REFERENCES peers (id),
      address text NOT NULL,
      port integer NOT NULL,
      failures integer NOT NULL,
      reason text,
      probed_at_ms bigint NOT NULL,
      proved_at_ms bigint,
      due_at_ms bigint NOT NULL,
      program text,
      free_bytes bigint)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE host_probes');
  }
}

// What the host refused since its start, by code, for whoever asks it by its files: as of a minute ago.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RefusalCounts1795000002300 implements MigrationInterface {
  name = 'RefusalCounts1795000002300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE refusal_count (code text PRIMARY KEY, refused bigint NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE refusal_count');
  }
}

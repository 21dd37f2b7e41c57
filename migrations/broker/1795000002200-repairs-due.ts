// Repairs by when they were due: counting those that wait too long costs what they are, not what waits.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RepairsDue1795000002200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX repairs_due ON repairs (due_since_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX repairs_due');
  }
}

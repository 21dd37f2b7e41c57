// Tasks by the operator of the worker: how those went is asked each time one of its machines wants another.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class RepairsOperator1795000002300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX repair_tasks_operator ON repair_tasks (worker_account_id, begun_at_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX repair_tasks_operator');
  }
}

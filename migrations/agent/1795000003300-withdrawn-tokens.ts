// The tokens that the broker withdrew, as it told them last: they outlive a start without the broker.
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WithdrawnTokens1795000003300 implements MigrationInterface {
  name = 'WithdrawnTokens1795000003300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE agent_state ADD COLUMN withdrawn text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE agent_state DROP COLUMN withdrawn');
  }
}

// The host's own tables: tokens used, shards held, reports that wait for the broker, and one row of state.
import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class FirstRelease1790000000000 implements MigrationInterface {
  name = 'FirstRelease1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    // The key begins with the expiry: loading and pruning read one range of it.
    await runner.createTable(
      new Table({
        name: 'used_token',
        columns: [
          { name: 'expires_ms', type: 'bigint', isPrimary: true },
          { name: 'transaction_id', type: 'text', isPrimary: true },
          { name: 'releases', type: 'integer' },
          { name: 'burned', type: 'integer' },
          { name: 'receipt', type: 'text', isNullable: true },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'shard',
        columns: [
          { name: 'cid', type: 'text', isPrimary: true },
          { name: 'size_bytes', type: 'bigint' },
        ],
      }),
    );
    // Who has a right to a shard: one row per transaction that put it. Several may have put the same bytes.
    await runner.createTable(
      new Table({
        name: 'shard_ref',
        columns: [
          { name: 'cid', type: 'text', isPrimary: true },
          { name: 'transaction_id', type: 'text', isPrimary: true },
          { name: 'client_id', type: 'text' },
          { name: 'stored_ms', type: 'bigint' },
        ],
        foreignKeys: [{ columnNames: ['cid'], referencedTableName: 'shard', referencedColumnNames: ['cid'] }],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'report',
        columns: [
          { name: 'id', type: 'integer', isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'body', type: 'text' },
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'agent_state',
        columns: [
          { name: 'id', type: 'integer', isPrimary: true },
          { name: 'shard_count', type: 'bigint' },
          { name: 'used_bytes', type: 'bigint' },
          { name: 'run_count', type: 'bigint' },
          { name: 'clean_stop', type: 'integer' },
          { name: 'replay_horizon_ms', type: 'bigint' },
          { name: 'last_contact_ms', type: 'bigint' },
        ],
      }),
    );
    // No clean stop came before: where there was a database and it is lost, so is the memory of the tokens it knew.
    await runner.query(
      `INSERT INTO agent_state (id, shard_count, used_bytes, run_count, clean_stop, replay_horizon_ms, last_contact_ms)
         VALUES (1, 0, 0, 0, 0, 0, 0)`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['agent_state', 'report', 'shard_ref', 'shard', 'used_token']) await runner.dropTable(table);
  }
}

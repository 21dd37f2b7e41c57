// Repairs by the network: objects that wait for one, tasks that workers took, the shards of those, and which hosts' shards
// have been looked at since the hosts changed. A lost shard remembers who lost it.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  'ALTER TABLE shards ADD COLUMN lost_host_id text',
  `CREATE TABLE repairs (
    object_id text PRIMARY KEY,
    account_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running')),
    size_bytes bigint NOT NULL,
    data_shards integer NOT NULL,
    total_shards integer NOT NULL,
    sound integer NOT NULL,
    away integer NOT NULL,
    missing integer NOT NULL,
    time_to_loss_ms bigint NOT NULL,
    urgent integer NOT NULL,
    due_since_ms bigint NOT NULL,
    not_before_ms bigint NOT NULL,
    attempts integer NOT NULL)`,
  'CREATE INDEX repairs_order ON repairs (state, time_to_loss_ms, object_id)',
  'CREATE INDEX repairs_account ON repairs (account_id, object_id)',
  `CREATE TABLE repair_tasks (
    id text PRIMARY KEY,
    object_id text NOT NULL,
    account_id text NOT NULL,
    worker_id text NOT NULL,
    worker_account_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'partly', 'failed')),
    cause text,
    shards integer NOT NULL,
    repaired integer NOT NULL,
    due_since_ms bigint NOT NULL,
    begun_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    ended_at_ms bigint)`,
  'CREATE INDEX repair_tasks_state ON repair_tasks (state, expires_at_ms)',
  'CREATE INDEX repair_tasks_worker ON repair_tasks (worker_id, state)',
  'CREATE INDEX repair_tasks_ended ON repair_tasks (ended_at_ms)',
  `CREATE TABLE repair_shards (
    task_id text NOT NULL,
    shard_index integer NOT NULL,
    transaction_id text NOT NULL,
    host_id text NOT NULL,
    host_account_id text NOT NULL,
    lost_host_id text,
    size_bytes bigint NOT NULL,
    reward text NOT NULL CHECK (reward IN ('open', 'paid', 'none')),
    rewarded_bytes bigint NOT NULL,
    rewarded_day integer,
    PRIMARY KEY (task_id, shard_index))`,
  'CREATE INDEX repair_shards_reward ON repair_shards (reward, task_id)',
  'CREATE INDEX repair_shards_transaction ON repair_shards (transaction_id)',
  `CREATE TABLE repair_hints (
    object_id text PRIMARY KEY,
    noted_at_ms bigint NOT NULL)`,
  `CREATE TABLE repair_hosts (
    host_id text PRIMARY KEY REFERENCES peers (id),
    standing text NOT NULL CHECK (standing IN ('counted', 'leaving', 'missed')),
    walking_to text CHECK (walking_to IN ('counted', 'leaving', 'missed')),
    walked_after text NOT NULL)`,
  `CREATE TABLE repair_sweep (
    id integer PRIMARY KEY CHECK (id = 1),
    after_object_id text NOT NULL,
    began_at_ms bigint NOT NULL)`,
  "INSERT INTO repair_sweep (id, after_object_id, began_at_ms) VALUES (1, '', 0)",
];

const TABLES = ['repair_sweep', 'repair_hosts', 'repair_hints', 'repair_shards', 'repair_tasks', 'repairs'];

export class Repairs1795000001400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`DROP TABLE ${table}`);
    await runner.query('ALTER TABLE shards DROP COLUMN lost_host_id');
  }
}

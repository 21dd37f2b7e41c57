// Relays, hosts that are reached through them, the names of peers, and what relays carried; the ledger has a kind for it.
import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = {
  relays: `
    peer_id text PRIMARY KEY REFERENCES peers (id),
    address text NOT NULL,
    port integer NOT NULL,
    web_port integer,
    region text,
    program text NOT NULL,
    peers integer NOT NULL,
    peers_max integer NOT NULL,
    streams integer NOT NULL,
    bytes_per_second bigint NOT NULL,
    is_ending integer NOT NULL,
    seen_at_ms bigint NOT NULL,
    drained_at_ms bigint,
    drain_reason text,
    carried_bytes bigint NOT NULL DEFAULT 0`,
  relay_usage: `
    lease_id text PRIMARY KEY,
    relay_id text NOT NULL REFERENCES peers (id),
    kind text NOT NULL CHECK (kind IN ('serve', 'reach')),
    subject text NOT NULL,
    peer_id text NOT NULL,
    bytes bigint NOT NULL,
    expires_at_ms bigint NOT NULL`,
  peer_names: `
    name text PRIMARY KEY,
    peer_id text NOT NULL UNIQUE REFERENCES peers (id),
    claimed_at_ms bigint NOT NULL`,
} as const;

const KINDS =
  "'grant', 'reserve', 'settle', 'void', 'release', 'earn', 'withhold', 'vest', 'lapse', 'forfeit', 'adjust', 'pay'";
const ENTRY_COLUMNS = 'seq, kind, transaction_id, debit, credit, amount, at_ms, reason, hash';

const COLUMNS_UP = [
  "ALTER TABLE peers ADD COLUMN kind text NOT NULL DEFAULT 'machine' CHECK (kind IN ('machine', 'relay'))",
  // The relay that a host is attached to.
  'ALTER TABLE peers ADD COLUMN relay_id text',
  'ALTER TABLE host_probes ADD COLUMN relay_id text',
  "ALTER TABLE enrolment_keys ADD COLUMN purpose text NOT NULL DEFAULT 'machine' CHECK (purpose IN ('machine', 'relay'))",
];
const COLUMNS_DOWN = [
  'ALTER TABLE enrolment_keys DROP COLUMN purpose',
  'ALTER TABLE host_probes DROP COLUMN relay_id',
  'ALTER TABLE peers DROP COLUMN relay_id',
  'ALTER TABLE peers DROP COLUMN kind',
];

export class Relays1795000003110 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [name, columns] of Object.entries(TABLES)) await runner.query(`CREATE TABLE ${name} (${columns})`);
    await runner.query('CREATE INDEX relay_usage_by_age ON relay_usage (expires_at_ms)');
    for (const statement of COLUMNS_UP) await runner.query(statement);
    await setKinds(runner, `${KINDS}, 'carry'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    // Entries are for ever: with one of the new kind in the books there is no way back.
    await setKinds(runner, KINDS);
    for (const statement of COLUMNS_DOWN) await runner.query(statement);
    for (const name of Object.keys(TABLES).reverse()) await runner.query(`DROP TABLE ${name}`);
  }
}

/** SQLite changes no check of a column: the entries move to a table that has the other one. */
async function setKinds(runner: QueryRunner, kinds: string): Promise<void> {
  // In SQLite a primary key of exactly this name is the row's own number, and needs no index.
  const number = runner.connection.options.type === 'sqlite' ? 'integer' : 'bigint';
  await runner.query(
    `CREATE TABLE next_ledger_entries (
       seq ${number} PRIMARY KEY,
       kind text NOT NULL CHECK (kind IN (${kinds})),
       transaction_id text NOT NULL,
       debit text NOT NULL REFERENCES ledger_accounts (id),
       credit text NOT NULL REFERENCES ledger_accounts (id),
       amount bigint NOT NULL CHECK (amount > 0),
       at_ms bigint NOT NULL,
       reason text,
       hash text NOT NULL,
       UNIQUE (transaction_id, kind))`,
  );
  await runner.query(
    `INSERT INTO next_ledger_entries (${ENTRY_COLUMNS}) SELECT ${ENTRY_COLUMNS} FROM ledger_entries ORDER BY seq`,
  );
  await runner.query('DROP TABLE ledger_entries');
  await runner.query('ALTER TABLE next_ledger_entries RENAME TO ledger_entries');
}

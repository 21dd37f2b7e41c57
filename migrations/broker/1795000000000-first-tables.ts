// The broker's first tables: who is there, which keys they have, what is stored where, and what it cost.
import type { MigrationInterface, QueryRunner } from 'typeorm';

// Only what SQLite and PostgreSQL both understand. Times are Unix ms, sizes and amounts bytes, ids UUIDv7 texts.
const TABLES = {
  accounts: `
    id text PRIMARY KEY,
    name text NOT NULL,
    recovery_key text UNIQUE,
    created_at_ms bigint NOT NULL`,
  peers: `
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts (id),
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended')),
    public_key text NOT NULL UNIQUE,
    certificate_expires_at_ms bigint NOT NULL,
    created_at_ms bigint NOT NULL,
    seen_at_ms bigint,
    address text,
    port integer,
    share_bytes bigint,
    used_bytes bigint,
    free_bytes bigint`,
  transaction_keys: `
    peer_id text NOT NULL REFERENCES peers (id),
    kid text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'current', 'previous')),
    sealed_key text NOT NULL,
    created_at_ms bigint NOT NULL,
    accepted_until_ms bigint,
    PRIMARY KEY (peer_id, kid)`,
  enrolment_keys: `
    key_hash text PRIMARY KEY,
    account_id text REFERENCES accounts (id),
    uses_left integer NOT NULL CHECK (uses_left >= 0),
    expires_at_ms bigint NOT NULL,
    created_at_ms bigint NOT NULL`,
  objects: `
    id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts (id),
    kind text NOT NULL,
    size_bytes bigint NOT NULL,
    data_shards integer NOT NULL,
    total_shards integer NOT NULL,
    safe_shards integer NOT NULL,
    stored_shards integer NOT NULL,
    created_at_ms bigint NOT NULL`,
  shards: `
    object_id text NOT NULL REFERENCES objects (id),
    shard_index integer NOT NULL,
    cid text NOT NULL,
    size_bytes bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('unplaced', 'placing', 'stored')),
    host_id text REFERENCES peers (id),
    transaction_id text,
    PRIMARY KEY (object_id, shard_index)`,
  transactions: `
    id text PRIMARY KEY,
    op text NOT NULL CHECK (op IN ('put', 'get')),
    state text NOT NULL CHECK (state IN ('issued', 'unconfirmed', 'settled', 'void')),
    client_id text NOT NULL,
    client_account_id text NOT NULL,
    host_id text NOT NULL,
    host_account_id text NOT NULL,
    object_id text NOT NULL,
    shard_index integer NOT NULL,
    cid text NOT NULL,
    size_bytes bigint NOT NULL,
    issued_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    receipt_at_ms bigint,
    client_outcome text,
    host_outcome text`,
  ledger_accounts: `
    id text PRIMARY KEY,
    balance bigint NOT NULL,
    CHECK (balance >= 0 OR id = 'issuance')`,
  ledger_entries: `
    transaction_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('grant', 'reserve', 'settle', 'void')),
    debit text NOT NULL REFERENCES ledger_accounts (id),
    credit text NOT NULL REFERENCES ledger_accounts (id),
    amount bigint NOT NULL CHECK (amount > 0),
    at_ms bigint NOT NULL,
    PRIMARY KEY (transaction_id, kind)`,
  peer_failures: `
    host_id text NOT NULL,
    client_id text NOT NULL,
    reporter text NOT NULL CHECK (reporter IN ('host', 'client')),
    code text NOT NULL,
    hour_ms bigint NOT NULL,
    failures bigint NOT NULL,
    PRIMARY KEY (host_id, client_id, reporter, code, hour_ms)`,
} as const;

const INDEXES = [
  'CREATE INDEX peers_of_account ON peers (account_id)',
  'CREATE INDEX objects_of_account ON objects (account_id, id)',
  'CREATE INDEX shards_of_host ON shards (host_id, state)',
  'CREATE INDEX transactions_to_end ON transactions (state, expires_at_ms)',
  'CREATE INDEX peer_failures_by_age ON peer_failures (hour_ms)',
];

export class FirstTables1795000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [name, columns] of Object.entries(TABLES)) await runner.query(`CREATE TABLE ${name} (${columns})`);
    for (const index of INDEXES) await runner.query(index);
    await runner.query("INSERT INTO ledger_accounts (id, balance) VALUES ('issuance', 0)");
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of Object.keys(TABLES).reverse()) await runner.query(`DROP TABLE ${name}`);
  }
}

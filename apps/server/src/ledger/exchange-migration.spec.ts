// What the old books become: every invariant of the new ledger holds of them at once (B19, B22), and the way back is open.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { brokerMigrations } from '#migrations/broker/index';
import { checkLedger } from './check-ledger.js';
import { Ledger } from './ledger.js';
import { LedgerArchive } from './ledger-archive.js';
import { verifyLedger } from './verify-ledger.js';

const NAME = 'Exchange1795000001100';
const before = brokerMigrations.slice(
  0,
  brokerMigrations.findIndex(({ name }) => name === NAME),
);
const withIt = brokerMigrations.slice(0, before.length + 1);

let folder: string;
const open: DataSource[] = [];

async function openWith(migrations: typeof before): Promise<DataSource> {
  const database = join(folder, 'broker.db');
  const source = await new DataSource({ type: 'sqlite', database, migrations: [...migrations] }).initialize();
  open.push(source);
  await source.runMigrations();
  return source;
}

/** a stores at b: one put settled, one unconfirmed, one under way, one whose unconfirmed put was summed up long ago. */
const OLD_BOOKS = [
  "INSERT INTO accounts (id, name, created_at_ms) VALUES ('a', 'a', 0), ('b', 'b', 0)",
  `INSERT INTO peers (id, account_id, name, state, public_key, certificate_expires_at_ms, created_at_ms)
     VALUES ('pa', 'a', 'pa', 'active', 'ka', 0, 0), ('pb', 'b', 'pb', 'active', 'kb', 0, 0)`,
  `INSERT INTO objects (id, account_id, kind, size_bytes, data_shards, total_shards, safe_shards, stored_shards, created_at_ms)
     VALUES ('o', 'a', 'data', 400, 1, 4, 1, 3, 0)`,
  `INSERT INTO transactions (id, op, state, client_id, client_account_id, host_id, host_account_id, object_id, shard_index,
       cid, size_bytes, issued_at_ms, expires_at_ms) VALUES
     ('t1', 'put', 'settled', 'pa', 'a', 'pb', 'b', 'o', 0, 'c0', 100, 0, 0),
     ('t2', 'put', 'unconfirmed', 'pa', 'a', 'pb', 'b', 'o', 1, 'c1', 100, 0, 0),
     ('t3', 'put', 'issued', 'pa', 'a', 'pb', 'b', 'o', 2, 'c2', 100, 0, 0)`,
  `INSERT INTO transactions (id, op, state, client_id, client_account_id, host_id, host_account_id, size_bytes, max_bytes,
       issued_at_ms, expires_at_ms) VALUES ('t4', 'universal', 'issued', 'pa', 'a', 'pb', 'b', 0, 50, 0, 0)`,
  `INSERT INTO shards (object_id, shard_index, cid, size_bytes, state, host_id, transaction_id) VALUES
     ('o', 0, 'c0', 100, 'stored', 'pb', 't1'), ('o', 1, 'c1', 100, 'stored', 'pb', 't2'),
     ('o', 2, 'c2', 100, 'placing', 'pb', 't3'), ('o', 3, 'c3', 100, 'stored', 'pb', NULL)`,
  "INSERT INTO peer_groups (id, account_id, name, created_at_ms) VALUES ('g', 'a', 'g', 0)",
  "INSERT INTO group_contents (group_id, host_id, cid, size_bytes) VALUES ('g', 'pb', 'c9', 30)",
  `INSERT INTO ledger_accounts (id, balance) VALUES ('available:a', 520), ('reserved:a', 350), ('earned:a', 0),
     ('available:b', 1000), ('reserved:b', 0), ('earned:b', 130)`,
  "UPDATE ledger_accounts SET balance = -2000 WHERE id = 'issuance'",
  `INSERT INTO ledger_entries (transaction_id, kind, debit, credit, amount, at_ms) VALUES
     ('a', 'grant', 'issuance', 'available:a', 1000, 1), ('b', 'grant', 'issuance', 'available:b', 1000, 1),
     ('t1', 'reserve', 'available:a', 'reserved:a', 350, 2), ('t1', 'settle', 'reserved:a', 'earned:b', 100, 3)`,
  `INSERT INTO ledger_days (day, kind, debit, credit, amount, entries) VALUES
     (0, 'reserve', 'available:a', 'reserved:a', 130, 2), (0, 'settle', 'reserved:a', 'earned:b', 30, 1)`,
];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-migration-'));
  const source = await openWith(before);
  for (const statement of OLD_BOOKS) await source.query(statement);
  await source.destroy();
});

afterEach(async () => {
  for (const source of open.splice(0)) if (source.isInitialized) await source.destroy();
  await rm(folder, { recursive: true });
});

const purses = async (source: DataSource, account: string): Promise<object> =>
  new Ledger().balancesOf(source.manager, account as never);

describe('the migration to the exchange', () => {
  it('charges what is stored, frees what was earned or stuck, and leaves a sound chain', async () => {
    const source = await openWith(withIt);
    expect(await checkLedger(source.manager)).toEqual([]);
    expect((await verifyLedger(source.manager, new LedgerArchive(join(folder, 'none')))).faults).toEqual([]);
    // Aside: the unconfirmed and the begun put and the universal token. The put that was summed up is stored, and paid.
    expect(await purses(source, 'a')).toEqual({ available: 620n, reserved: 250n, used: 230n, withheld: 0n });
    expect(await purses(source, 'b')).toEqual({ available: 1_130n, reserved: 0n, used: 0n, withheld: 0n });
    const kinds = await source.query('SELECT kind FROM ledger_entries ORDER BY seq');
    expect(kinds.map(({ kind }: { kind: string }) => kind)).toEqual([
      'grant',
      'grant',
      'reserve',
      'pay',
      'adjust',
      'adjust',
      'adjust',
    ]);
  });

  it('can be taken back', async () => {
    const source = await openWith(withIt);
    await source.undoLastMigration();
    const [charge] = await source.query("SELECT COUNT(*) AS n FROM pragma_table_info('shards') WHERE name = 'charge'");
    expect(charge.n).toBe(0);
    expect(await source.query("SELECT kind FROM ledger_entries WHERE transaction_id = 't1' ORDER BY kind")).toEqual([
      { kind: 'reserve' },
      { kind: 'settle' },
    ]);
    const [sum] = await source.query('SELECT SUM(balance) AS n FROM ledger_accounts');
    expect(sum.n).toBe(0);
  });
});

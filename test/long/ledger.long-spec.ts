// A million random operations by 64 clients at once, in SQLite and in PostgreSQL, up to sixteen in a unit. Prints the seed and
// what happened.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BrokerDatabase } from '../../apps/server/src/platform/broker-database.js';
import { playLedger, spendAll } from '../property/ledger-operations.js';
import { TestPostgres } from '../property/postgres.js';

const CLIENTS = 64;
const OPERATIONS = Number(process.env.LEDGER_OPERATIONS ?? 1_000_000);
/** So often all clients stop, and everything is added up from the first entry on. */
const ROUNDS = 5;
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 1_000_000);

it('holds in SQLite', { timeout: 3 * 3_600_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-operations-'));
  const database = await BrokerDatabase.open(join(folder, 'broker.db'));
  const counts = await playLedger(database, {
    operations: OPERATIONS,
    clients: CLIENTS,
    seed,
    unitMax: 16,
    rounds: ROUNDS,
  });
  process.stdout.write(`sqlite, seed ${seed}: ${JSON.stringify(counts)}\n`);
  expect(await spendAll(database, { credit: 5_000, attempts: 6_000 })).toBe(5_000);
  await database.close();
  await rm(folder, { recursive: true });
});

// Every unit there waits for its own commit, and for the end of the chain.
it('holds in PostgreSQL', { timeout: 3 * 3_600_000 }, async () => {
  const database = await TestPostgres.start(CLIENTS);
  try {
    const counts = await playLedger(database, {
      operations: OPERATIONS,
      clients: CLIENTS,
      seed,
      unitMax: 16,
      rounds: ROUNDS,
    });
    process.stdout.write(`postgres, seed ${seed}: ${JSON.stringify(counts)}\n`);
    expect(await spendAll(database, { credit: 5_000, attempts: 6_000 })).toBe(5_000);
  } finally {
    await database.stop();
  }
});

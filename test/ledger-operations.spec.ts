// Money under load (B19, B22): 64 clients at once on one ledger, in SQLite and in PostgreSQL. The long tests do the same
// with a million operations.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { playLedger, spendAll } from './property/ledger-operations.js';
import { TestPostgres } from './property/postgres.js';

const CLIENTS = 64;
const OPERATIONS = 2_000;
const seed = Number(process.env.LEDGER_SEED ?? Date.now() % 1_000_000);

describe('a ledger with 64 clients at once', () => {
  it('in SQLite moves exactly what succeeds, and is spent exactly', async () => {
    process.stdout.write(`seed ${seed}\n`);
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-operations-'));
    const database = await BrokerDatabase.open(join(folder, 'broker.db'));
    const counts = await playLedger(database, {
      operations: OPERATIONS,
      clients: CLIENTS,
      seed,
      unitMax: 4,
      rounds: 2,
    });
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
    expect(await spendAll(database, { credit: 200, attempts: 256 })).toBe(200);
    await database.close();
    await rm(folder, { recursive: true });
  });

  it('in PostgreSQL moves exactly what succeeds, and is spent exactly', { timeout: 180_000 }, async () => {
    const database = await TestPostgres.start(CLIENTS);
    try {
      const counts = await playLedger(database, { operations: OPERATIONS / 2, clients: CLIENTS, seed, unitMax: 4 });
      expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
      expect(await spendAll(database, { credit: 50, attempts: 80 })).toBe(50);
    } finally {
      await database.stop();
    }
  });
});

// A broker from before relays keeps its books when they learn of what relays carry, and the way back is open (F2).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { brokerMigrations } from '#migrations/broker/index';
import { checkBooks } from '../ledger/check-ledger.js';
import { Ledger } from '../ledger/ledger.js';

const at = brokerMigrations.findIndex(({ name }) => name === 'Relays1795000003110');

it('keeps every entry and its hash, takes the new kind after it, and refuses kinds that nobody knows', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-migration-'));
  const sources: DataSource[] = [];
  const openWith = async (count: number): Promise<DataSource> => {
    const migrations = [...brokerMigrations.slice(0, count)];
    const source = new DataSource({ type: 'sqlite', database: join(folder, 'broker.db'), migrations });
    sources.push(await source.initialize());
    await source.runMigrations();
    return source;
  };
  const entries = 'SELECT * FROM ledger_entries ORDER BY seq';
  try {
    const old = await openWith(at);
    const ledger = new Ledger();
    await old.query("INSERT INTO ledger_accounts (id, balance) VALUES ('issuance', 0) ON CONFLICT DO NOTHING");
    for (const account of ['a', 'b'])
      await old.transaction((db) => ledger.openAccount(db, account as never, { amount: 100n, atMs: 1 }));
    const before = await old.query(entries);
    expect(before).toHaveLength(2);

    const now = await openWith(at + 1);
    expect(await now.query(entries)).toEqual(before);
    const carry = (transactionId: string, amount: bigint) =>
      ({ kind: 'carry', transactionId, debit: 'available:a', credit: 'available:b', amount }) as never;
    await now.transaction((db) => ledger.post(db, [carry('carry/l/1', 5n), carry('carry/l/2', 7n)], 2));
    expect(await checkBooks(now.manager)).toEqual([]);
    await expect(
      now.query(
        `INSERT INTO ledger_entries (seq, kind, transaction_id, debit, credit, amount, at_ms, hash)
         VALUES (9, 'gift', 'x', 'available:a', 'available:b', 1, 1, '')`,
      ),
    ).rejects.toThrow(/CHECK/);
    // There is no way back for books that have such entries, and nothing is lost in the attempt.
    await expect(now.undoLastMigration()).rejects.toThrow(/CHECK/);
    expect(await now.query(entries)).toHaveLength(4);
    await now.query("DELETE FROM ledger_entries WHERE kind = 'carry'");
    await now.undoLastMigration();
    expect(await now.query(entries)).toEqual(before);
  } finally {
    for (const source of sources) await source.destroy();
    await rm(folder, { recursive: true, force: true });
  }
});

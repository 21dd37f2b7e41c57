// Money: random sequences conserve credit, nothing goes below zero, and replays change nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountId, isRefusal } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { checkBooks, checkLedger } from './check-ledger.js';
import { Ledger } from './ledger.js';
import { type Movement, purseOf, reserveMovement, settleMovement, voidMovement } from './movement.js';

const ledger = new Ledger();
const accounts = ['a', 'b', 'c'] as AccountId[];
const OPENING = 100n;

let folder: string;
let database: BrokerDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-ledger-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const openAll = (amount = OPENING): Promise<void> =>
  database.write(async (db) => {
    for (const account of accounts) await ledger.openAccount(db, account, { amount, atMs: 0 });
  });
const post = (...movements: Movement[]): Promise<void> => database.write((db) => ledger.post(db, movements, 0));
const balances = (account: AccountId): Promise<Record<string, bigint>> => ledger.balancesOf(database.reads, account);

describe('Ledger', () => {
  it('keeps every invariant over random puts, settlements, voids and replays', async () => {
    await openAll();
    const step = fc.record({
      kind: fc.constantFrom('reserve', 'settle', 'void', 'late' as const),
      put: fc.nat(11),
      client: fc.nat(2),
      charge: fc.integer({ min: 1, max: 60 }),
    });
    // One ledger lives through all runs: what holds must hold whatever came before.
    const known = new Map<string, { client: AccountId; charge: number; state: string }>();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        run++;
        for (const { kind, put, client, charge } of steps) {
          const transactionId = `${run}-${put}`;
          const found = known.get(transactionId);
          const before = await Promise.all(accounts.map(balances));
          if (found === undefined) {
            const movement = reserveMovement({ transactionId, client: accounts[client]!, charge });
            const had = before[client]!.available!;
            const outcome = await post(movement).then(
              () => 'posted',
              (error: unknown) => (isRefusal(error, 'credit_exceeded') ? 'refused' : Promise.reject(error)),
            );
            expect(outcome).toBe(had >= BigInt(charge) ? 'posted' : 'refused');
            if (outcome === 'refused') expect(await Promise.all(accounts.map(balances))).toEqual(before);
            else known.set(transactionId, { client: accounts[client]!, charge, state: 'open' });
            continue;
          }
          const fields = { transactionId, ...found };
          if (kind === 'reserve') {
            await post(reserveMovement(fields));
            const other = post(reserveMovement({ ...fields, charge: found.charge + 1 }));
            await expect(other).rejects.toSatisfy((error) => isRefusal(error, 'ledger_conflict'));
          } else if (found.state !== 'open') {
            await post(found.state === 'void' ? voidMovement(fields) : settleMovement({ ...fields, from: 'reserved' }));
          } else {
            await post(kind === 'settle' ? settleMovement({ ...fields, from: 'reserved' }) : voidMovement(fields));
            known.set(transactionId, { ...found, state: kind === 'settle' ? 'settled' : 'void' });
            continue;
          }
          // What has been made before is not made again.
          expect(await Promise.all(accounts.map(balances))).toEqual(before);
        }
        expect(await checkBooks(database.reads)).toEqual([]);
      }),
      { numRuns: 25 },
    );
    const open = [...known.values()].filter(({ state }) => state === 'open');
    for (const account of accounts) {
      const reserved = open.filter(({ client }) => client === account).reduce((sum, put) => sum + put.charge, 0);
      expect((await balances(account)).reserved).toBe(BigInt(reserved));
    }
  });

  it('lets 50 concurrent reservations spend the credit exactly', async () => {
    await openAll();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        post(reserveMovement({ transactionId: `t${i}`, client: accounts[0]!, charge: 10 })),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await balances(accounts[0]!)).toEqual({ available: 0n, reserved: 100n, used: 0n, withheld: 0n });
    expect(await checkBooks(database.reads)).toEqual([]);
  });

  it('answers the same movement as at first, and refuses it with other content, also within one batch', async () => {
    await openAll();
    const reserve = (charge: number, of = 0): Movement =>
      reserveMovement({ transactionId: 'x', client: accounts[of]!, charge });
    const isConflict = (error: unknown): boolean => isRefusal(error, 'ledger_conflict');
    await post(reserve(10), reserve(10));
    await post(reserve(10));
    await expect(post(reserve(11))).rejects.toSatisfy(isConflict);
    await expect(post(reserve(10, 1))).rejects.toSatisfy(isConflict);
    const other = { ...reserve(1), transactionId: 'y' };
    await expect(post(other, { ...other, amount: 2n })).rejects.toSatisfy(isConflict);
    expect(await balances(accounts[0]!)).toMatchObject({ available: OPENING - 10n, reserved: 10n });
    expect(await checkBooks(database.reads)).toEqual([]);
  });

  it('makes all movements of a batch or none', async () => {
    await openAll();
    const reserve = (transactionId: string, charge: number): Movement =>
      reserveMovement({ transactionId, client: accounts[0]!, charge });
    await expect(post(reserve('x', 60), reserve('y', 60))).rejects.toSatisfy((error) =>
      isRefusal(error, 'credit_exceeded'),
    );
    expect(await balances(accounts[0]!)).toEqual({ available: OPENING, reserved: 0n, used: 0n, withheld: 0n });
  });

  it('counts amounts past 2^53 without rounding', async () => {
    const amount = 2n ** 60n + 1n;
    await openAll(amount);
    expect((await balances(accounts[0]!)).available).toBe(amount);
    await post({
      kind: 'adjust',
      transactionId: 't',
      debit: purseOf('available', accounts[0]!),
      credit: purseOf('withheld', accounts[1]!),
      amount: amount - 2n,
    });
    expect((await balances(accounts[0]!)).available).toBe(2n);
    expect((await balances(accounts[1]!)).withheld).toBe(amount - 2n);
    expect(await checkBooks(database.reads)).toEqual([]);
  });

  it('is seen to be wrong when a balance was changed by other hands', async () => {
    await openAll();
    await database.write((db) => db.query("UPDATE ledger_accounts SET balance = balance + 1 WHERE id = 'available:a'"));
    expect(await checkBooks(database.reads)).toHaveLength(2);
  });

  it.each([
    ['issued', 0],
    ['unconfirmed', 0],
    ['settled', 0],
    ['void', 1],
  ])('lets a shard be stored by a put that is %s: %i faults', async (state, faults) => {
    await database.write(async (db) => {
      await db.query("INSERT INTO accounts (id, name, created_at_ms) VALUES ('a', 'a', 0)");
      await db.query(
        `INSERT INTO objects (id, account_id, kind, size_bytes, data_shards, total_shards, safe_shards, stored_shards, created_at_ms)
         VALUES ('o', 'a', 'data', 1, 1, 1, 1, 1, 0)`,
      );
      await db.query(
        `INSERT INTO transactions (id, op, state, client_id, client_account_id, host_id, host_account_id, object_id,
           shard_index, cid, size_bytes, issued_at_ms, expires_at_ms)
         VALUES ('t', 'put', $1, 'p', 'a', 'h', 'b', 'o', 0, 'c', 1, 0, 0)`,
        [state],
      );
      await db.query(
        `INSERT INTO peers (id, account_id, name, public_key, certificate_expires_at_ms, created_at_ms)
         VALUES ('h', 'a', 'h', 'k', 0, 0)`,
      );
      await db.query(
        `INSERT INTO shards (object_id, shard_index, cid, size_bytes, state, host_id, transaction_id)
         VALUES ('o', 0, 'c', 1, 'stored', 'h', 't')`,
      );
    });
    expect(await checkLedger(database.reads)).toHaveLength(faults);
  });
});

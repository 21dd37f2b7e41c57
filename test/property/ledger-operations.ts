// Random operations on a ledger by many clients at once, on any database: what must hold after each of them, and a model
// of what the accounts have at the end.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { type AccountId, isRefusal } from '#protocol';
import { checkBooks } from '../../apps/server/src/ledger/check-ledger.js';
import { Ledger } from '../../apps/server/src/ledger/ledger.js';
import {
  ISSUANCE,
  type LedgerAccount,
  type Movement,
  PURSES,
  purseOf,
  releaseMovement,
  reserveMovement,
  settleMovement,
  voidMovement,
} from '../../apps/server/src/ledger/movement.js';

/** Where a ledger is kept. */
export interface LedgerStore {
  readonly reads: EntityManager;
  write<T>(unit: (db: EntityManager) => Promise<T>): Promise<T>;
}

export interface OperationCounts {
  readonly made: number;
  readonly refused: number;
  readonly repeated: number;
  readonly conflicts: number;
}

const ACCOUNTS = 8;
const OPENING = 10_000n;
/** Puts that a client remembers, to settle, void, release and say again. */
const REMEMBERED_MAX = 32;

interface Put {
  readonly reservation: Movement;
  readonly account: AccountId;
  readonly charge: number;
  state: 'open' | 'settled' | 'ended';
}

/**
 * `clients` at once make `operations` in all: they reserve, settle, void, release, earn and lapse, say again what they
 * said, and say it with other content. Each is one unit, in which the balances sum to zero; none goes below zero. At the
 * end every purse is what the movements that succeeded make of it.
 *
 * seed   the same choices of every client; who is first is the database's
 */
export async function playLedger(
  store: LedgerStore,
  { operations, clients, seed }: { readonly operations: number; readonly clients: number; readonly seed: number },
): Promise<OperationCounts> {
  const ledger = new Ledger();
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `account-${i}` as AccountId);
  const model = new Map<LedgerAccount, bigint>();
  await store.write(async (db) => {
    for (const account of accounts) await ledger.openAccount(db, account, { amount: OPENING, atMs: 0 });
  });
  for (const account of accounts) model.set(purseOf('available', account), OPENING);
  model.set(ISSUANCE, -OPENING * BigInt(ACCOUNTS));
  const counts = { made: 0, refused: 0, repeated: 0, conflicts: 0 };

  const post = async (movement: Movement): Promise<'made' | 'refused'> => {
    try {
      await store.write(async (db) => {
        await ledger.post(db, [movement], 0);
        const [sum] = await db.query<{ sum: string }[]>(
          'SELECT CAST(SUM(balance) AS text) AS sum FROM ledger_accounts',
        );
        assert.equal(sum!.sum, '0');
      });
    } catch (error) {
      if (!isRefusal(error, 'credit_exceeded')) throw error;
      counts.refused++;
      return 'refused';
    }
    counts.made++;
    model.set(movement.debit, (model.get(movement.debit) ?? 0n) - movement.amount);
    model.set(movement.credit, (model.get(movement.credit) ?? 0n) + movement.amount);
    return 'made';
  };

  const repeat = async (movement: Movement): Promise<void> => {
    await store.write((db) => ledger.post(db, [movement], 0));
    counts.repeated++;
    const other = { ...movement, amount: movement.amount + 1n };
    const refusal = await store.write((db) => ledger.post(db, [other], 0)).catch((error: unknown) => error);
    assert(isRefusal(refusal, 'ledger_conflict'));
    counts.conflicts++;
  };

  const play = async (client: number): Promise<void> => {
    const random = randomOf(seed * 1_000 + client);
    const puts: Put[] = [];
    const own = Math.floor((operations + client) / clients);
    for (let i = 0; i < own; i++) {
      const name = `${client}-${i}`;
      const account = accounts[Math.floor(random() * ACCOUNTS)]!;
      const put = puts[Math.floor(random() * puts.length)];
      const chance = random();
      if (put === undefined || chance < 0.4) {
        const charge = 1 + Math.floor(random() * 3_000);
        const reservation = reserveMovement({ transactionId: name, client: account, charge });
        if ((await post(reservation)) === 'made') puts.push({ reservation, account, charge, state: 'open' });
        if (puts.length > REMEMBERED_MAX) puts.shift();
      } else if (chance < 0.5) await repeat(put.reservation);
      else if (put.state === 'open' && chance < 0.75) {
        const { account: owner, charge } = put;
        const transactionId = put.reservation.transactionId;
        assert.equal(await post(settleMovement({ transactionId, client: owner, charge, from: 'reserved' })), 'made');
        put.state = 'settled';
      } else if (put.state === 'open') {
        const transactionId = put.reservation.transactionId;
        assert.equal(await post(voidMovement({ transactionId, client: put.account, charge: put.charge })), 'made');
        put.state = 'ended';
      } else if (put.state === 'settled') {
        const charge = BigInt(put.charge);
        assert.equal(await post(releaseMovement({ id: name, owner: put.account, charge })), 'made');
        put.state = 'ended';
      } else {
        const available = purseOf('available', account);
        const amount = 1n + BigInt(Math.floor(random() * 500));
        const movement =
          chance < 0.9
            ? ({ kind: 'earn', transactionId: name, debit: ISSUANCE, credit: available, amount } as const)
            : ({ kind: 'lapse', transactionId: name, debit: available, credit: ISSUANCE, amount } as const);
        await post(movement);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => play(client)));

  for (const account of accounts) {
    const balances = await ledger.balancesOf(store.reads, account);
    for (const purse of PURSES) assert.equal(balances[purse], model.get(purseOf(purse, account)) ?? 0n);
  }
  assert.equal(await ledger.balanceOf(store.reads, ISSUANCE), model.get(ISSUANCE));
  assert.deepEqual(await checkBooks(store.reads), []);
  return counts;
}

/** Clients at once spend one account, a byte each: exactly as many succeed as there are bytes. Returns how many did. */
export async function spendAll(
  store: LedgerStore,
  { credit, attempts }: { readonly credit: number; readonly attempts: number },
): Promise<number> {
  const ledger = new Ledger();
  const account = 'spender' as AccountId;
  await store.write((db) => ledger.openAccount(db, account, { amount: BigInt(credit), atMs: 0 }));
  const outcomes = await Promise.allSettled(
    Array.from({ length: attempts }, (_, i) =>
      store.write((db) =>
        ledger.post(db, [reserveMovement({ transactionId: `spend-${i}`, client: account, charge: 1 })], 0),
      ),
    ),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !isRefusal(outcome.reason, 'credit_exceeded')) throw outcome.reason;
  }
  assert.equal((await ledger.balancesOf(store.reads, account)).available, 0n);
  assert.deepEqual(await checkBooks(store.reads), []);
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

/** Numbers in [0, 1) that a seed makes: mulberry32, by Tommy Ettinger (public domain). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

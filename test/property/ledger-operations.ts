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

export interface PlayedLedger {
  readonly operations: number;
  readonly clients: number;
  readonly seed: number;
  readonly unitMax: number;
  readonly rounds?: number;
}

export interface OperationCounts {
  readonly units: number;
  readonly made: number;
  readonly refused: number;
  readonly repeated: number;
  readonly conflicts: number;
}

const ACCOUNTS = 8;
const OPENING = 10_000n;
const CHARGE_MAX = 3_000;
/** Units of one operation, beside those that draw how many they have. */
const SINGLE_SHARE = 0.3;
/** Puts that a client remembers, to settle, void, release and say again. */
const REMEMBERED_MAX = 32;

interface Put {
  readonly reservation: Movement;
  readonly account: AccountId;
  readonly charge: number;
  state: 'open' | 'settled' | 'ended';
}

/** What one unit is to do: new movements, those that were made before, and what the client remembers when it succeeds. */
interface Unit {
  readonly movements: Movement[];
  readonly again: Movement[];
  readonly puts: Put[];
  readonly ways: { readonly put: Put; readonly to: Put['state'] }[];
  /** It takes from what is free, of which there may be too little. */
  mayBeRefused: boolean;
}

/**
 * `clients` at once make `operations` in all: they reserve, settle, void, release, earn and lapse, say again what they
 * said, and say it with other content. One unit has up to `unitMax` of them, all or none; in each the balances sum to
 * zero, and none goes below zero. After each of `rounds`, and so at the end, every purse is what the movements that
 * succeeded make of it, and the books are sound from the first entry on.
 *
 * seed   the same choices of every client; who is first is the database's
 */
export async function playLedger(
  store: LedgerStore,
  { operations, clients, seed, unitMax, rounds = 1 }: PlayedLedger,
): Promise<OperationCounts> {
  const ledger = new Ledger();
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `account-${i}` as AccountId);
  const model = new Map<LedgerAccount, bigint>();
  const change = (account: LedgerAccount, amount: bigint): void =>
    void model.set(account, (model.get(account) ?? 0n) + amount);
  await store.write(async (db) => {
    for (const account of accounts) await ledger.openAccount(db, account, { amount: OPENING, atMs: 0 });
  });
  for (const account of accounts) change(purseOf('available', account), OPENING);
  change(ISSUANCE, -OPENING * BigInt(ACCOUNTS));
  const counts = { units: 0, made: 0, refused: 0, repeated: 0, conflicts: 0 };

  const post = async ({ movements, again, puts, ways, mayBeRefused }: Unit): Promise<Put[]> => {
    counts.units++;
    try {
      await store.write(async (db) => {
        await ledger.post(db, [...movements, ...again], 0);
        const [sum] = await db.query<{ sum: string }[]>(
          'SELECT CAST(SUM(balance) AS text) AS sum FROM ledger_accounts',
        );
        assert.equal(sum!.sum, '0');
      });
    } catch (error) {
      if (!isRefusal(error, 'credit_exceeded')) throw error;
      assert(mayBeRefused, 'what is set aside, or used, can always be given back');
      counts.refused += movements.length;
      return [];
    }
    counts.made += movements.length;
    counts.repeated += again.length;
    for (const { put, to } of ways) put.state = to;
    for (const { debit, credit, amount } of movements) {
      change(debit, -amount);
      change(credit, amount);
    }
    return puts;
  };

  /** The last of them is another than it was: nothing of the unit is made, what is new in it neither. */
  const contradict = async (fresh: readonly Movement[], again: Movement): Promise<void> => {
    const other = { ...again, amount: again.amount + 1n };
    const refusal = await store.write((db) => ledger.post(db, [...fresh, other], 0)).catch((error: unknown) => error);
    assert(isRefusal(refusal, 'ledger_conflict'));
    counts.conflicts++;
  };

  const players = Array.from({ length: clients }, (_, client) => ({ client, puts: [] as Put[], made: 0 }));
  const play = async (player: (typeof players)[number], until: number): Promise<void> => {
    const { client, puts } = player;
    // A round goes on where the one before it ended, with choices of its own.
    const random = randomOf((seed * 1_000 + client) * 100 + until);
    while (player.made < until) {
      const size = random() < SINGLE_SHARE ? 1 : 1 + Math.floor(random() * unitMax);
      const planned = planUnit(
        { puts, accounts, size: Math.min(size, until - player.made), random },
        () => `${client}-${player.made++}`,
      );
      if (planned.again.length > 0) await contradict(planned.movements, planned.again.at(-1)!);
      puts.push(...(await post(planned)));
    }
  };
  for (let round = 1; round <= rounds; round++) {
    const until = Math.round((operations * round) / rounds / clients);
    await Promise.all(players.map((player) => play(player, until)));
    for (const account of accounts) {
      const balances = await ledger.balancesOf(store.reads, account);
      for (const purse of PURSES) assert.equal(balances[purse], model.get(purseOf(purse, account)) ?? 0n);
    }
    assert.equal(await ledger.balanceOf(store.reads, ISSUANCE), model.get(ISSUANCE));
    assert.deepEqual(await checkBooks(store.reads), []);
  }
  return counts;
}

/** So many operations of a client, each of another put than the others. What is done to a put it remembers. */
function planUnit(
  of: {
    readonly puts: Put[];
    readonly accounts: readonly AccountId[];
    readonly size: number;
    readonly random: () => number;
  },
  nextName: () => string,
): Unit {
  const { puts, accounts, size, random } = of;
  const unit: Unit = { movements: [], again: [], puts: [], ways: [], mayBeRefused: false };
  const free = new Set(puts);
  for (let i = 0; i < size; i++) {
    const name = nextName();
    const account = accounts[Math.floor(random() * accounts.length)]!;
    const put = [...free][Math.floor(random() * free.size)];
    if (put !== undefined) free.delete(put);
    const chance = random();
    if ((put === undefined || chance < 0.4) && mayRemember(puts, unit.puts.length)) {
      // The more a unit asks for, the less of each.
      const charge = 1 + Math.floor((random() * CHARGE_MAX) / size);
      const reservation = reserveMovement({ transactionId: name, client: account, charge });
      unit.movements.push(reservation);
      unit.puts.push({ reservation, account, charge, state: 'open' });
      unit.mayBeRefused = true;
    } else if (put === undefined || (put.state === 'ended' && chance >= 0.5)) {
      unit.movements.push(
        hostingMovement(name, account, { isEarned: chance < 0.9, amount: 1n + BigInt(Math.floor(random() * 500)) }),
      );
      unit.mayBeRefused ||= chance >= 0.9;
    } else if (chance < 0.5) {
      unit.again.push(put.reservation);
    } else {
      const { movement, to } = movementOn(put, name, chance < 0.75);
      unit.movements.push(movement);
      unit.ways.push({ put, to });
    }
  }
  return unit;
}

/** Only what has ended is forgotten: credit of other puts would never come back. */
function mayRemember(puts: Put[], more: number): boolean {
  if (puts.length + more < REMEMBERED_MAX) return true;
  const ended = puts.findIndex(({ state }) => state === 'ended');
  if (ended >= 0) puts.splice(ended, 1);
  return ended >= 0;
}

function movementOn(
  put: Put,
  name: string,
  isSettled: boolean,
): { readonly movement: Movement; readonly to: Put['state'] } {
  const { account, charge, state, reservation } = put;
  const of = { transactionId: reservation.transactionId, client: account, charge };
  if (state === 'settled')
    return { movement: releaseMovement({ id: name, owner: account, charge: BigInt(charge) }), to: 'ended' };
  if (isSettled) return { movement: settleMovement({ ...of, from: 'reserved' }), to: 'settled' };
  return { movement: voidMovement(of), to: 'ended' };
}

function hostingMovement(
  name: string,
  account: AccountId,
  { isEarned, amount }: { isEarned: boolean; amount: bigint },
): Movement {
  const available = purseOf('available', account);
  return isEarned
    ? { kind: 'earn', transactionId: name, debit: ISSUANCE, credit: available, amount }
    : { kind: 'lapse', transactionId: name, debit: available, credit: ISSUANCE, amount };
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

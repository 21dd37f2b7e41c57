// Double entry: credit moves from one account to another, never appears or vanishes, and each movement is an entry that
// carries the hash of all before it.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders } from '#database';
import { type AccountId, ProtocolError } from '#protocol';
import { type LedgerEntry, type LedgerHead, linkEntries } from './entry-chain.js';
import { ENTRY_COLUMNS, entryValues, lockHead, moveHead } from './entry-rows.js';
import {
  ISSUANCE,
  isItsWay,
  type LedgerAccount,
  type Movement,
  type MovementKind,
  PURSES,
  type Purse,
  purseOf,
} from './movement.js';

const QUERIED_AT_ONCE = 500;

@Injectable()
export class Ledger {
  // Where this process saw the chain end. A guess: a unit that was undone, or another process, makes it wrong, and then
  // the end is read again.
  private head: LedgerHead | null = null;

  /** Give a new account its purses and its opening credit, in the unit that registers it. */
  async openAccount(db: EntityManager, accountId: AccountId, opening: { amount: bigint; atMs: number }): Promise<void> {
    const purses = PURSES.map((purse) => [purseOf(purse, accountId), 0] as const);
    await insertRows(db, { table: 'ledger_accounts', columns: ['id', 'balance'] }, purses);
    if (opening.amount === 0n) return;
    const credit = purseOf('available', accountId);
    const grant: Movement = {
      kind: 'grant',
      transactionId: accountId,
      debit: ISSUANCE,
      credit,
      amount: opening.amount,
    };
    await this.post(db, [grant], opening.atMs);
  }

  /**
   * Make these movements, all or none (the unit fails with the error). A movement that has been made with the same
   * content is skipped, so a repeated report changes nothing.
   *
   * throws   credit_exceeded when an account has less than is taken from it | ledger_conflict when one has been made with
   *          other content (the rule of tigerbeetle:docs/reference/requests/create_transfers.md, "exists")
   */
  async post(db: EntityManager, movements: readonly Movement[], atMs: number): Promise<void> {
    await this.postNew(db, await this.notYetMade(db, movements), atMs);
  }

  /** As post, of transactions that began in this unit: none of these movements can have been made before. */
  async postNew(db: EntityManager, fresh: readonly Movement[], atMs: number): Promise<void> {
    if (fresh.length === 0) return;
    const changes = new Map<LedgerAccount, { debit: bigint; credit: bigint }>();
    const changeOf = (account: LedgerAccount): { debit: bigint; credit: bigint } => {
      const change = changes.get(account) ?? { debit: 0n, credit: 0n };
      changes.set(account, change);
      return change;
    };
    for (const movement of fresh) {
      assert(movement.amount > 0n);
      assert(isItsWay(movement), `${movement.kind} does not go from ${movement.debit} to ${movement.credit}`);
      changeOf(movement.debit).debit += movement.amount;
      changeOf(movement.credit).credit += movement.amount;
    }
    // The end of the chain first: whoever has it is alone, so that no two units wait for each other's purses.
    const entries = await this.chain(db, fresh, atMs);
    await changeBalances(db, changes);
    await insertRows(db, { table: 'ledger_entries', columns: ENTRY_COLUMNS }, entries.map(entryValues));
  }

  async balanceOf(db: EntityManager, account: LedgerAccount): Promise<bigint> {
    // As text: an amount may pass 2^53, and the driver would round it.
    const rows = await db.query<{ balance: string }[]>(
      'SELECT CAST(balance AS text) AS balance FROM ledger_accounts WHERE id = $1',
      [account],
    );
    assert(rows[0] !== undefined, 'every account has its purses');
    return BigInt(rows[0].balance);
  }

  /** The free credit of each of these accounts, in one question. */
  async availableOf(db: EntityManager, accountIds: readonly AccountId[]): Promise<Map<AccountId, bigint>> {
    return this.purseOfEach(db, 'available', accountIds);
  }

  /** One purse of each of these accounts, in one question. */
  async purseOfEach(
    db: EntityManager,
    purse: Purse,
    accountIds: readonly AccountId[],
  ): Promise<Map<AccountId, bigint>> {
    const accountOf = new Map(accountIds.map((accountId) => [purseOf(purse, accountId), accountId]));
    if (accountOf.size === 0) return new Map();
    const rows = await db.query<{ id: LedgerAccount; balance: string }[]>(
      `SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts WHERE id IN ${placeholders(db, accountOf.size)}`,
      [...accountOf.keys()],
    );
    assert.equal(rows.length, accountOf.size, 'every account has its purses');
    return new Map(rows.map(({ id, balance }) => [accountOf.get(id)!, BigInt(balance)]));
  }

  async balancesOf(db: EntityManager, accountId: AccountId): Promise<Record<Purse, bigint>> {
    const rows = await db.query<{ id: LedgerAccount; balance: string }[]>(
      `SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts WHERE id IN ${placeholders(db, PURSES.length)}`,
      PURSES.map((purse) => purseOf(purse, accountId)),
    );
    const balances = new Map(rows.map(({ id, balance }) => [id, BigInt(balance)]));
    const balanceOf = (purse: Purse): bigint => {
      const balance = balances.get(purseOf(purse, accountId));
      assert(balance !== undefined, 'every account has its purses');
      return balance;
    };
    return {
      available: balanceOf('available'),
      reserved: balanceOf('reserved'),
      used: balanceOf('used'),
      withheld: balanceOf('withheld'),
    };
  }

  /** The entries follow the newest one; its row stays locked until the unit ends. */
  private async chain(db: EntityManager, fresh: readonly Movement[], atMs: number): Promise<LedgerEntry[]> {
    const guessed = this.head ?? (await lockHead(db));
    let entries = linkEntries(guessed, fresh, atMs);
    if (!(await moveHead(db, guessed, entries.at(-1)!))) {
      const actual = await lockHead(db);
      entries = linkEntries(actual, fresh, atMs);
      assert(await moveHead(db, actual, entries.at(-1)!), 'the end of the chain is locked');
    }
    const { seq, hash } = entries.at(-1)!;
    this.head = { seq, hash };
    return entries;
  }

  private async notYetMade(db: EntityManager, movements: readonly Movement[]): Promise<Movement[]> {
    const fresh = new Map<string, Movement>();
    for (const movement of movements) {
      const key = keyOf(movement);
      const same = fresh.get(key);
      if (same !== undefined) requireSame(movement, same);
      else fresh.set(key, movement);
    }
    const ids = [...new Set(movements.map(({ transactionId }) => transactionId))];
    for (let first = 0; first < ids.length; first += QUERIED_AT_ONCE) {
      const some = ids.slice(first, first + QUERIED_AT_ONCE);
      const made = await db.query<MadeRow[]>(
        `SELECT transaction_id, kind, debit, credit, CAST(amount AS text) AS amount FROM ledger_entries
         WHERE transaction_id IN ${placeholders(db, some.length)}`,
        some,
      );
      for (const { transaction_id: transactionId, kind, debit, credit, amount } of made) {
        const key = keyOf({ transactionId, kind });
        const movement = fresh.get(key);
        if (movement === undefined) continue;
        requireSame(movement, { debit, credit, amount: BigInt(amount) });
        fresh.delete(key);
      }
    }
    return [...fresh.values()];
  }
}

interface MadeRow {
  transaction_id: string;
  kind: MovementKind;
  debit: LedgerAccount;
  credit: LedgerAccount;
  amount: string;
}

function keyOf({ kind, transactionId }: Pick<Movement, 'kind' | 'transactionId'>): string {
  return `${kind} ${transactionId}`;
}

/** throws ledger_conflict */
function requireSame(movement: Movement, made: Pick<Movement, 'debit' | 'credit' | 'amount'>): void {
  const { debit, credit, amount, kind, transactionId } = movement;
  if (made.debit === debit && made.credit === credit && made.amount === amount) return;
  throw new ProtocolError('ledger_conflict', { kind, transactionId });
}

/**
 * One conditional statement: a check followed by a change would lose a race where several brokers write. What comes in by
 * the same movements pays for nothing that goes out by them.
 *
 * throws   credit_exceeded
 */
async function changeBalances(
  db: EntityManager,
  changes: ReadonlyMap<LedgerAccount, { readonly debit: bigint; readonly credit: bigint }>,
): Promise<void> {
  const rows = [...changes];
  const tuples = rows.map((_, i) => `($${3 * i + 1}, CAST($${3 * i + 2} AS bigint), CAST($${3 * i + 3} AS bigint))`);
  const changed = await changeMany(
    db,
    `UPDATE ledger_accounts SET balance = balance - change.debit + change.credit
     FROM (SELECT column1 AS account, column2 AS debit, column3 AS credit FROM (VALUES ${tuples.join(', ')}) AS given) AS change
     WHERE id = change.account AND (balance >= change.debit OR id = 'issuance')`,
    rows.flatMap(([account, { debit, credit }]) => [account, debit.toString(), credit.toString()]),
  );
  if (changed === rows.length) return;
  const known = await db.query<object[]>(
    `SELECT id FROM ledger_accounts WHERE id IN ${placeholders(db, rows.length)}`,
    rows.map(([account]) => account),
  );
  assert.equal(known.length, rows.length, 'credit moves between accounts that exist');
  const neededBytes = rows.reduce((sum, [, { debit }]) => sum + debit, 0n);
  throw new ProtocolError('credit_exceeded', { neededBytes: neededBytes.toString() });
}

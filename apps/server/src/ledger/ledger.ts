// Double entry: credit moves from one account to another, never appears or vanishes, and each movement is a row. A byte
// costs what it earns: the exchange rate of B22 is not in it.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows, placeholders } from '#database';
import { type AccountId, ProtocolError } from '#protocol';
import { ISSUANCE, type LedgerAccount, type Movement, PURSES, type Purse, purseOf } from './movement.js';

const QUERIED_AT_ONCE = 500;

@Injectable()
export class Ledger {
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
   * Make these movements, all or none (the unit fails with the error). A movement that has been made is skipped, so
   * a repeated report changes nothing.
   *
   * throws   credit_exceeded when an account has less than is taken from it
   */
  async post(db: EntityManager, movements: readonly Movement[], atMs: number): Promise<void> {
    await this.postNew(db, await this.notYetMade(db, movements), atMs);
  }

  /** As post, of transactions that began in this unit: none of these movements can have been made before. */
  async postNew(db: EntityManager, fresh: readonly Movement[], atMs: number): Promise<void> {
    const debits = new Map<LedgerAccount, bigint>();
    const credits = new Map<LedgerAccount, bigint>();
    for (const { debit, credit, amount } of fresh) {
      assert(amount > 0n);
      assert(debit !== credit);
      debits.set(debit, (debits.get(debit) ?? 0n) + amount);
      credits.set(credit, (credits.get(credit) ?? 0n) + amount);
    }
    await this.debit(db, debits);
    await this.credit(db, credits);
    await insertRows(
      db,
      { table: 'ledger_entries', columns: ['transaction_id', 'kind', 'debit', 'credit', 'amount', 'at_ms'] },
      fresh.map((m) => [m.transactionId, m.kind, m.debit, m.credit, m.amount.toString(), atMs]),
    );
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
    const accountOf = new Map(accountIds.map((accountId) => [purseOf('available', accountId), accountId]));
    if (accountOf.size === 0) return new Map();
    const rows = await db.query<{ id: LedgerAccount & `available:${string}`; balance: string }[]>(
      `SELECT id, CAST(balance AS text) AS balance FROM ledger_accounts WHERE id IN ${placeholders(db, accountOf.size)}`,
      [...accountOf.keys()],
    );
    assert.equal(rows.length, accountOf.size, 'every account has its purses');
    return new Map(rows.map(({ id, balance }) => [accountOf.get(id)!, BigInt(balance)]));
  }

  async balancesOf(db: EntityManager, accountId: AccountId): Promise<Record<Purse, bigint>> {
    return {
      available: await this.balanceOf(db, purseOf('available', accountId)),
      reserved: await this.balanceOf(db, purseOf('reserved', accountId)),
      earned: await this.balanceOf(db, purseOf('earned', accountId)),
    };
  }

  private async debit(db: EntityManager, amounts: ReadonlyMap<LedgerAccount, bigint>): Promise<void> {
    // One conditional statement: a check followed by a change would lose a race where several brokers write.
    const changed = await changeBalances(db, amounts, '-', "AND (balance >= by_account.amount OR id = 'issuance')");
    if (changed === amounts.size) return;
    const neededBytes = [...amounts.values()].reduce((sum, amount) => sum + amount, 0n);
    throw new ProtocolError('credit_exceeded', { neededBytes: neededBytes.toString() });
  }

  private async credit(db: EntityManager, amounts: ReadonlyMap<LedgerAccount, bigint>): Promise<void> {
    const changed = await changeBalances(db, amounts, '+', '');
    assert.equal(changed, amounts.size, 'credit goes to accounts that exist');
  }

  private async notYetMade(db: EntityManager, movements: readonly Movement[]): Promise<Movement[]> {
    const fresh = new Map(movements.map((movement) => [`${movement.kind} ${movement.transactionId}`, movement]));
    const ids = [...new Set(movements.map(({ transactionId }) => transactionId))];
    for (let first = 0; first < ids.length; first += QUERIED_AT_ONCE) {
      const part = ids.slice(first, first + QUERIED_AT_ONCE);
      const made = await db.query<{ kind: string; transaction_id: string }[]>(
        `SELECT kind, transaction_id FROM ledger_entries WHERE transaction_id IN ${placeholders(db, part.length)}`,
        part,
      );
      for (const row of made) fresh.delete(`${row.kind} ${row.transaction_id}`);
    }
    return [...fresh.values()];
  }
}

/** Add the amounts to the balances, or take them away, where the condition holds; returns of how many accounts. */
async function changeBalances(
  db: EntityManager,
  amounts: ReadonlyMap<LedgerAccount, bigint>,
  sign: '+' | '-',
  condition: string,
): Promise<number> {
  if (amounts.size === 0) return 0;
  const rows = [...amounts];
  const tuples = rows.map((_, i) => `($${2 * i + 1}, CAST($${2 * i + 2} AS bigint))`);
  return changeMany(
    db,
    `UPDATE ledger_accounts SET balance = balance ${sign} by_account.amount
     FROM (SELECT column1 AS account, column2 AS amount FROM (VALUES ${tuples.join(', ')}) AS given) AS by_account
     WHERE id = by_account.account ${condition}`,
    rows.flatMap(([account, amount]) => [account, amount.toString()]),
  );
}

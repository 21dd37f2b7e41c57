// What ended long ago is summed up and deleted: the tables stay small, the balances stay provable.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { TOKEN_LIFE_MS_MAX } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import { checkLedger } from '../ledger/check-ledger.js';
import { Ledger } from '../ledger/ledger.js';
import { ROLLED_UP_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { addPastPuts, measureTables, rollUpOf } from '../testing/past-transactions.js';
import type { RollUp } from './roll-up.js';

const DAY_MS = 86_400_000;
const BEGIN_MS = Date.UTC(2026, 0, 1);
const PUTS = 20_000;
const DAYS = 4;
const policy = parsePolicy({});
const KEPT_MS = policy.tokenLifeMs + policy.reportGraceMs + policy.reportWindowMs + TOKEN_LIFE_MS_MAX;

let folder: string;
let database: BrokerDatabase;
let clock: FakeClock;
let ledger: Ledger;
let rollUp: RollUp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-roll-up-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
  clock = new FakeClock(BEGIN_MS);
  ledger = new Ledger();
  rollUp = rollUpOf({ database, ledger, clock, policy, folder });
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const balances = (): Promise<{ id: string; balance: number }[]> =>
  database.reads.query('SELECT id, balance FROM ledger_accounts ORDER BY id');
const one = async <T>(sql: string): Promise<T> => (await database.reads.query<T[]>(sql))[0]!;

describe('RollUp', () => {
  it(`leaves of ${PUTS} puts sums of days, from which every balance can be computed again`, async () => {
    await addPastPuts(database, ledger, { count: PUTS, fromMs: BEGIN_MS, days: DAYS });
    const before = await measureTables(database.reads);
    const had = await balances();
    expect(before.transactions.rows).toBe(PUTS);
    expect(before.ledger_entries.rows).toBe(10 + PUTS + 0.9 * PUTS);
    const commits = database.commits;
    clock.advance((DAYS + 2) * DAY_MS + KEPT_MS);
    await rollUp.run();
    // What the run itself settled is young still.
    expect((await measureTables(database.reads)).ledger_entries.rows).toBe(0.1 * PUTS);
    expect(await checkLedger(database.reads)).toEqual([]);
    clock.advance(2 * DAY_MS + KEPT_MS);
    await rollUp.run();
    // In bounded units, so that nobody waits for all of it.
    expect(database.commits - commits).toBeGreaterThanOrEqual(PUTS / ROLLED_UP_AT_ONCE_MAX);

    const after = await measureTables(database.reads);
    process.stdout.write(`${JSON.stringify({ puts: PUTS, days: DAYS, before, after })}\n`);
    expect(after.transactions.rows).toBe(0);
    expect(after.ledger_entries.rows).toBe(0);
    expect(after.transaction_days.rows).toBeLessThanOrEqual(DAYS * 10 * 9 * 3);
    expect(after.ledger_days.rows).toBeLessThanOrEqual((DAYS + 1) * 4 * 10);
    expect(after.fileBytesInUse).toBeLessThan(before.fileBytesInUse);
    // What nobody confirmed is stored, and costs as anything stored does.
    expect(await balances()).toEqual(
      had.map(({ id, balance }) => {
        const [purse, owner] = id.split(':');
        const aside = had.find((other) => other.id === `reserved:${owner}`)?.balance ?? 0;
        if (purse === 'reserved') return { id, balance: 0 };
        return { id, balance: purse === 'used' ? balance + aside : balance };
      }),
    );
    expect(await checkLedger(database.reads)).toEqual([]);
    expect(
      await database.reads.query(
        'SELECT outcome, SUM(transactions) AS puts, SUM(bytes) AS bytes FROM transaction_days GROUP BY outcome ORDER BY outcome',
      ),
    ).toEqual([
      { outcome: 'settled', puts: 0.8 * PUTS, bytes: 800 * PUTS },
      { outcome: 'unconfirmed', puts: 0.1 * PUTS, bytes: 100 * PUTS },
      { outcome: 'void', puts: 0.1 * PUTS, bytes: 100 * PUTS },
    ]);
    // Every stored shard is stored still; it names its transaction no more.
    expect(
      await one("SELECT COUNT(*) AS n, COUNT(transaction_id) AS named FROM shards WHERE state = 'stored'"),
    ).toEqual({
      n: 0.9 * PUTS,
      named: 0,
    });

    // A wrong sum is seen, as a wrong entry is.
    await database.write((db) =>
      db.query('UPDATE ledger_days SET amount = amount + 1 WHERE day = (SELECT MIN(day) FROM ledger_days)'),
    );
    expect((await checkLedger(database.reads)).length).toBeGreaterThan(0);
  });

  it('takes nothing that a report could still change, or that could be mistaken for never issued', async () => {
    await addPastPuts(database, ledger, { count: 10, fromMs: BEGIN_MS, days: 1 });
    clock.advance(KEPT_MS);
    await rollUp.run();
    expect((await measureTables(database.reads)).transactions.rows).toBe(10);
    clock.advance(1);
    await rollUp.run();
    expect((await measureTables(database.reads)).transactions.rows).toBe(0);
    await rollUp.run();
    expect(await checkLedger(database.reads)).toEqual([]);
  });

  it('leaves a shard alone that names a void put: that is a fault, and stays one', async () => {
    await addPastPuts(database, ledger, { count: 10, fromMs: BEGIN_MS, days: 1 });
    await database.write((db) => db.query("UPDATE transactions SET state = 'void' WHERE shard_index = 0"));
    expect(await checkLedger(database.reads)).toHaveLength(1);
    clock.advance(KEPT_MS + 1);
    await rollUp.run();
    expect(await checkLedger(database.reads)).toHaveLength(1);
  });

  it('goes on when peers say that they moved more than a sum can hold', async () => {
    await addPastPuts(database, ledger, { count: 10, fromMs: BEGIN_MS, days: 1 });
    const most = Number.MAX_SAFE_INTEGER;
    await database.write((db) =>
      db.query(
        `UPDATE transactions SET op = 'stream', state = 'settled', client_account_id = 'a', host_account_id = 'b',
           moved_bytes = $1, expires_at_ms = expires_at_ms + shard_index * ${DAY_MS}`,
        [most],
      ),
    );
    clock.advance(KEPT_MS + DAY_MS);
    for (let day = 0; day < 10; day++) {
      await rollUp.run();
      clock.advance(DAY_MS);
    }
    expect(await one('SELECT SUM(transactions) AS n, MAX(bytes) AS bytes FROM transaction_days')).toEqual({
      n: 10,
      bytes: most,
    });
  });
});

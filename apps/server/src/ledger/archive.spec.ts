// The chain of entries and its archives: everything can be computed again from the first entry on, nothing counts twice
// after a crash, and what other hands changed is seen (B19, B25).
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { KeptLog } from '../captcha/testing/kept-log.js';
import { runCommandLine } from '../command-line.js';
import { parsePolicy } from '../config/policy.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { addPastPuts, rollUpOf } from '../testing/past-transactions.js';
import { ArchiveEntries } from './archive-entries.js';
import { checkBooks, checkLedger } from './check-ledger.js';
import { CHAIN_BEGIN } from './entry-chain.js';
import { readHead } from './entry-rows.js';
import { Ledger } from './ledger.js';
import { LedgerArchive } from './ledger-archive.js';
import { purseOf, reserveMovement } from './movement.js';
import { verifyLedger } from './verify-ledger.js';
import { WatchLedger } from './watch-ledger.js';

const DAY_MS = 86_400_000;
const BEGIN_MS = Date.UTC(2026, 0, 1);
const PUTS = 3_000;
/** 10 grants; each put reserves, nine of ten end. */
const ENTRIES = 10 + PUTS + 0.9 * PUTS;

let folder: string;
let database: BrokerDatabase;
let ledger: Ledger;
let clock: FakeClock;
let archive: LedgerArchive;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-archive-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
  ledger = new Ledger();
  clock = new FakeClock(BEGIN_MS);
  archive = new LedgerArchive(join(folder, 'ledger'));
  await addPastPuts(database, ledger, { count: PUTS, fromMs: BEGIN_MS, days: 3 });
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const rollUp = (): Promise<void> => rollUpOf({ database, ledger, clock, policy: parsePolicy({}), folder }).run();
const verify = (): ReturnType<typeof verifyLedger> => verifyLedger(database.reads, archive);
const change = (sql: string): Promise<unknown> => database.write((db) => db.query(sql));
const files = async (): Promise<string[]> => (await readdir(join(folder, 'ledger'))).sort();

describe('archived entries', () => {
  it('are in files that hold all of the chain, and from which all is computed again', async () => {
    expect(await verify()).toEqual({ faults: [], archivedEntries: 0, entries: ENTRIES });
    clock.advance(30 * DAY_MS);
    await rollUp();
    // What ended with the run itself, the settling of the silent, is young.
    expect(await verify()).toEqual({ faults: [], archivedEntries: ENTRIES, entries: 0.1 * PUTS });
    expect((await files()).length).toBeGreaterThan(1);
    expect(await checkLedger(database.reads)).toEqual([]);
    clock.advance(30 * DAY_MS);
    await rollUp();
    expect(await verify()).toEqual({ faults: [], archivedEntries: ENTRIES + 0.1 * PUTS, entries: 0 });
    expect(await checkLedger(database.reads)).toEqual([]);
  });

  it('count once when the broker died between the file and its commit', async () => {
    const [entriesBefore] = await database.reads.query<{ n: number }[]>('SELECT COUNT(*) AS n FROM ledger_entries');
    const dying = { reads: database.reads, write: () => Promise.reject(new Error('power')) };
    const interrupted = new ArchiveEntries(dying as unknown as BrokerDatabase, archive, clock, new KeptLog());
    await expect(interrupted.run(BEGIN_MS + 30 * DAY_MS)).rejects.toThrow('power');
    expect(await files()).toHaveLength(1);
    expect(entriesBefore!.n).toBe(ENTRIES);
    expect(await verify()).toEqual({ faults: [], archivedEntries: 0, entries: ENTRIES });
    // More has happened when it comes back: the file is another one by then.
    clock.advance(40 * DAY_MS);
    await rollUp();
    const verified = await verify();
    expect(verified.faults).toEqual([]);
    expect(verified.archivedEntries + verified.entries).toBe(ENTRIES + 0.1 * PUTS);
    expect(await checkLedger(database.reads)).toEqual([]);
  });

  it('are missed, and seen to be altered', async () => {
    clock.advance(30 * DAY_MS);
    await rollUp();
    const [first] = (await files()) as [string];
    const path = join(folder, 'ledger', first);
    const bytes = await readFile(path);
    await writeFile(path, Buffer.concat([bytes, Buffer.of(0)]));
    expect((await verify()).faults[0]).toBe(`${first} is not what was written`);
    await rm(path);
    expect((await verify()).faults[0]).toBe(`${first} cannot be read: ENOENT`);
    await writeFile(path, bytes);
    await change('UPDATE ledger_days SET amount = amount + 1 WHERE day = (SELECT MIN(day) FROM ledger_days)');
    expect((await verify()).faults.length).toBeGreaterThan(0);
  });
});

describe('the chain', () => {
  it.each([
    ['an amount', 'UPDATE ledger_entries SET amount = amount + 1 WHERE seq = 500'],
    ['a time', 'UPDATE ledger_entries SET at_ms = at_ms + 1 WHERE seq = 500'],
    ['a purse', "UPDATE ledger_entries SET credit = 'issuance' WHERE seq = 500"],
    ['an entry that is gone', 'DELETE FROM ledger_entries WHERE seq = 500'],
    ['its end that is gone', `DELETE FROM ledger_entries WHERE seq = ${ENTRIES}`],
    ['its end that was set back', 'UPDATE ledger_head SET seq = seq - 1'],
  ])('shows that other hands changed %s', async (_, sql) => {
    expect(await checkBooks(database.reads)).toEqual([]);
    await change(sql);
    expect((await checkBooks(database.reads)).some((fault) => /entry|chain/.test(fault))).toBe(true);
  });

  it('goes on behind units that were undone, and behind another process', async () => {
    const [row] = await database.reads.query<{ id: string }[]>(
      "SELECT id FROM ledger_accounts WHERE id LIKE 'available:%'",
    );
    const client = row!.id.slice('available:'.length) as never;
    const reserve = (name: string): Promise<void> =>
      database.write((db) => ledger.post(db, [reserveMovement({ transactionId: name, client, charge: 1 })], 0));
    const undone = database.write(async (db) => {
      await ledger.post(db, [reserveMovement({ transactionId: 'undone', client, charge: 1 })], 0);
      throw new Error('undone');
    });
    await Promise.allSettled([reserve('before'), undone, reserve('after')]);
    await database.write((db) =>
      new Ledger().post(db, [reserveMovement({ transactionId: 'other', client, charge: 1 })], 0),
    );
    await reserve('last');
    expect(await checkBooks(database.reads)).toEqual([]);
    expect((await readHead(database.reads)).seq).toBe(ENTRIES + 4);
    expect(await ledger.balanceOf(database.reads, purseOf('available', client))).toBeLessThan(10n ** 12n);
  });

  it('begins with 32 bytes of zero', () => {
    expect(Buffer.from(CHAIN_BEGIN.hash, 'base64url')).toEqual(Buffer.alloc(32));
  });
});

describe('the alarm', () => {
  it('is raised once for each change of the faults', async () => {
    const log = new KeptLog();
    const watch = new WatchLedger(join(folder, 'broker.db'), log);
    const alarms = (): number => log.lines.filter((line) => line.includes('alarm_ledger_faults')).length;
    await watch.run();
    expect(alarms()).toBe(0);
    await change('UPDATE ledger_entries SET amount = amount + 1 WHERE seq = 500');
    for (let i = 0; i < 3; i++) await watch.run();
    expect(alarms()).toBe(1);
    await change('UPDATE ledger_entries SET amount = amount + 1 WHERE seq = 501');
    await watch.run();
    expect(alarms()).toBe(2);
    await change('UPDATE ledger_entries SET amount = amount - 1 WHERE seq IN (500, 501)');
    await watch.run();
    expect(log.lines.at(-1)).toContain('ledger_sound_again');
  });
});

describe('peerkeep-server ledger verify', () => {
  it('ends with 0 for a sound ledger beside the running broker, and with 1 and the faults for another', async () => {
    const fixture = await BrokerFixture.start();
    try {
      const run = (...more: string[]): Promise<number> =>
        runCommandLine(['ledger', 'verify', '--data-dir', fixture.dataDir, ...more], {});
      expect(await run()).toBe(0);
      expect(await run('--archive', '--json')).toBe(0);
      const other = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
      await other.write((db) => db.query("UPDATE ledger_accounts SET balance = -1 WHERE id = 'issuance'"));
      await other.close();
      expect(await run()).toBe(1);
      expect(await run('--archive')).toBe(1);
    } finally {
      await fixture.remove();
    }
  });
});

// A million puts: what the tables are before and after they have been summed up. Prints rows and bytes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FakeClock } from '#process';
import { parsePolicy } from '../../apps/server/src/config/policy.js';
import { checkLedger } from '../../apps/server/src/ledger/check-ledger.js';
import { Ledger } from '../../apps/server/src/ledger/ledger.js';
import { BrokerDatabase } from '../../apps/server/src/platform/broker-database.js';
import { addPastPuts, measureTables, rollUpOf } from '../../apps/server/src/testing/past-transactions.js';

const DAY_MS = 86_400_000;
const BEGIN_MS = Date.UTC(2026, 0, 1);
const PUTS = 1_000_000;
const DAYS = 30;

it('keeps the tables small after a million puts, and the ledger provable', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-roll-up-'));
  const database = await BrokerDatabase.open(join(folder, 'broker.db'));
  const clock = new FakeClock(BEGIN_MS);
  const ledger = new Ledger();
  await addPastPuts(database, ledger, { count: PUTS, fromMs: BEGIN_MS, days: DAYS });
  const before = await measureTables(database.reads);
  clock.advance((DAYS + 10) * DAY_MS);
  await rollUpOf({ database, ledger, clock, policy: parsePolicy({}), folder }).run();
  const after = await measureTables(database.reads);
  process.stdout.write(`${JSON.stringify({ puts: PUTS, days: DAYS, before, after }, null, 2)}\n`);
  expect(before.transactions.rows).toBe(PUTS);
  expect(after.transactions.rows).toBe(0);
  expect(after.transaction_days.rows + after.ledger_days.rows).toBeLessThan(DAYS * 10 * 9 * 5);
  expect(await checkLedger(database.reads)).toEqual([]);
  await database.close();
  await rm(folder, { recursive: true });
});

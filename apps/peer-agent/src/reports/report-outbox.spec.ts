// The outbox: reports leave in the order in which they came, in requests that the broker can take.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '#database';
import {
  BATCH_RECEIPT_TEXT_BYTES_MAX,
  CONTROL_BODY_BYTES_MAX,
  REPORTS_PER_REQUEST_MAX,
  type Report,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { makeFolder, openAgentDatabase } from '../../../../test/claim-fixture.js';
import { REPORTS_BYTES_PER_REQUEST } from '../limits.js';
import { ReportOutbox } from './report-outbox.js';

let database: Database;
let outbox: ReportOutbox;

beforeEach(async () => {
  database = await openAgentDatabase(await makeFolder());
  outbox = await ReportOutbox.load(database);
});

afterEach(() => database.close());

const next = () => outbox.next(REPORTS_PER_REQUEST_MAX, REPORTS_BYTES_PER_REQUEST);

async function add(receiptChars: readonly number[]): Promise<void> {
  for (const [i, chars] of receiptChars.entries()) {
    const transactionId = uuidV7<TransactionId>(i, new Uint8Array(10));
    const entry: Report = { outcome: 'done', transactionId, receipt: 'r'.repeat(chars) };
    const place = outbox.keepPlace();
    await database.writes.run((db) => outbox.add(db, entry));
    place.filled();
  }
}

it('packs receipts of batches by their bytes, and loses none', async () => {
  const sizes = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? 600 : BATCH_RECEIPT_TEXT_BYTES_MAX));
  await add(sizes);
  const sent: number[] = [];
  for (let taken = await next(); taken.length > 0; taken = await next()) {
    const reports = taken.map(({ report }) => report);
    expect(JSON.stringify({ reports }).length).toBeLessThan(CONTROL_BODY_BYTES_MAX);
    sent.push(...reports.map((report) => (report.outcome === 'done' ? report.receipt.length : -1)));
    await outbox.remove(taken);
  }
  expect(sent).toEqual(sizes);
  expect(outbox.length).toBe(0);
});

it('packs short ones by their number', async () => {
  await add(Array.from({ length: REPORTS_PER_REQUEST_MAX + 5 }, () => 10));
  const taken = await next();
  expect(taken).toHaveLength(REPORTS_PER_REQUEST_MAX);
  await outbox.remove(taken);
  expect(await next()).toHaveLength(5);
});

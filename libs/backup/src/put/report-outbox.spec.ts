// Reports wait on disk until the broker has them: through its absence, through a crash of ours, up to a bound.
import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ProtocolError,
  REPORT_OUTBOX_ENTRIES_MAX,
  REPORTS_PER_REQUEST_MAX,
  type Report,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { freshFolder } from '../files/testing-folders.js';
import type { BrokerPort } from '../ports.js';
import { ReportOutbox } from './report-outbox.js';

/** A broker that takes reports, or not; when it is asked to wait, its answer waits for `answer`. */
class Broker {
  readonly taken: Report[] = [];
  readonly batchSizes: number[] = [];
  isDown = false;
  /** How many requests more it takes before it goes down. */
  requestsLeft = Number.POSITIVE_INFINITY;
  waitsFor: Promise<void> = Promise.resolve();
  /** What it answers to each report of a batch, in turn. */
  result: (report: Report) => string = () => 'recorded';

  readonly port = {
    sendReports: async ({ reports }: { reports: readonly Report[] }) => {
      const batch = [...reports];
      await this.waitsFor;
      if (this.isDown || this.requestsLeft-- <= 0) throw new ProtocolError('broker_unreachable');
      this.batchSizes.push(batch.length);
      this.taken.push(...batch);
      return { results: batch.map((report) => this.result(report)) };
    },
  } as unknown as BrokerPort;
}

let folder: ReturnType<typeof freshFolder>;
let broker: Broker;
let path: string;
let opened: ReportOutbox[];
beforeEach(() => {
  folder = freshFolder();
  broker = new Broker();
  path = join(folder.path, 'reports.jsonl');
  opened = [];
});
afterEach(async () => {
  for (const outbox of opened) await outbox.close();
  folder.remove();
});

async function open(): Promise<ReportOutbox> {
  const outbox = await ReportOutbox.open(path, broker.port);
  opened.push(outbox);
  return outbox;
}

function report(number: number): Report {
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(6, number);
  const transactionId = uuidV7<TransactionId>(1_000, random);
  return { outcome: 'failed', transactionId, code: 'peer_unreachable', at: '2026-11-20T00:00:00.000Z' };
}

const reports = (count: number, first = 0): Report[] => Array.from({ length: count }, (_, i) => report(first + i));

describe('ReportOutbox', () => {
  it('keeps what it was given through a restart, and nothing once the broker has it', async () => {
    const first = await open();
    await first.add(reports(2));
    await first.add([report(2)]);
    const second = await open();
    expect(second.size).toBe(3);
    await second.flush();
    expect(broker.taken).toEqual(reports(3));
    expect(await readFile(path, 'utf8')).toBe('');
    expect((await open()).size).toBe(0);
  });

  it('is readable by its owner alone', async () => {
    await open();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('drops a last line that a crash tore, and goes on behind the whole ones', async () => {
    await (await open()).add(reports(2));
    await truncate(path, (await stat(path)).size - 5);
    const after = await open();
    expect(after.size).toBe(1);
    await after.add([report(7)]);
    const again = await open();
    await again.flush();
    expect(broker.taken).toEqual([report(0), report(7)]);
  });

  it('passes over a line that is damaged, or is no report', async () => {
    const lines = [
      JSON.stringify(report(0)),
      '{"outcome":',
      '{"outcome":"done"}',
      'null',
      '',
      JSON.stringify(report(1)),
    ];
    await writeFile(path, `${lines.join('\n')}\n`);
    await (await open()).flush();
    expect(broker.taken).toEqual(reports(2));
  });

  it('keeps everything when the broker is away, and sends it later, in order', async () => {
    const outbox = await open();
    await outbox.add(reports(2));
    broker.isDown = true;
    await expect(outbox.flush()).rejects.toMatchObject({ code: 'broker_unreachable' });
    expect(outbox.size).toBe(2);
    await outbox.add([report(2)]);
    broker.isDown = false;
    await outbox.flush();
    expect(broker.taken).toEqual(reports(3));
    expect(outbox.size).toBe(0);
  });

  it('keeps what is added while a sending is under way, on disk too', async () => {
    const outbox = await open();
    await outbox.add(reports(1));
    let answer = (): void => undefined;
    broker.waitsFor = new Promise((resolve) => {
      answer = resolve;
    });
    const flushed = outbox.flush();
    await outbox.add([report(1)]);
    answer();
    await flushed;
    expect(broker.taken).toEqual(reports(2));

    // The same with a broker that dies between the two: the second stays.
    await outbox.add([report(2)]);
    broker.waitsFor = new Promise((resolve) => {
      answer = resolve;
    });
    broker.requestsLeft = 1;
    const cut = outbox.flush();
    // Its writing is under way when the file would be emptied of the one before.
    const added = outbox.add([report(3)]);
    answer();
    await expect(cut).rejects.toMatchObject({ code: 'broker_unreachable' });
    await added;
    expect(broker.taken).toEqual(reports(3));
    expect(outbox.size).toBe(1);
    broker.requestsLeft = Number.POSITIVE_INFINITY;
    await (await open()).flush();
    expect(broker.taken).toContainEqual(report(3));
  });

  it('sends as many at a time as a request holds', async () => {
    const outbox = await open();
    await outbox.add(reports(2 * REPORTS_PER_REQUEST_MAX + 1));
    await outbox.flush();
    expect(broker.batchSizes).toEqual([REPORTS_PER_REQUEST_MAX, REPORTS_PER_REQUEST_MAX, 1]);
    expect(broker.taken).toEqual(reports(2 * REPORTS_PER_REQUEST_MAX + 1));
  });

  it('loses none of many additions at once', async () => {
    const outbox = await open();
    await Promise.all(Array.from({ length: 100 }, (_, i) => outbox.add([report(i)])));
    expect((await open()).size).toBe(100);
    await Promise.all([outbox.flush(), outbox.flush(), outbox.flush()]);
    expect(broker.taken).toEqual(reports(100));
  });

  it('refuses at its bound, and forgets nothing', async () => {
    broker.isDown = true;
    const outbox = await open();
    await outbox.add(reports(REPORT_OUTBOX_ENTRIES_MAX - 1));
    await expect(outbox.add(reports(2, REPORT_OUTBOX_ENTRIES_MAX))).rejects.toMatchObject({
      code: 'report_outbox_full',
    });
    await outbox.add([report(REPORT_OUTBOX_ENTRIES_MAX)]);
    expect(outbox.size).toBe(REPORT_OUTBOX_ENTRIES_MAX);
    await expect(outbox.add([report(1)])).rejects.toMatchObject({ code: 'report_outbox_full' });
  });

  it('is not confused by a last line without its end', async () => {
    await (await open()).add(reports(1));
    await appendFile(path, JSON.stringify(report(9)));
    expect((await open()).size).toBe(1);
    await appendFile(path, `${JSON.stringify(report(1))}\n`);
    expect((await open()).size).toBe(2);
  });

  it('counts receipts that the broker will never take, and no other report', async () => {
    const outbox = await open();
    await outbox.add([
      { outcome: 'done', transactionId: idOfReport(1), receipt: 'one' },
      { outcome: 'done', transactionId: idOfReport(2), receipt: 'two' },
      { outcome: 'failed', transactionId: idOfReport(3), code: 'host_full', at: '2026-01-01T00:00:00.000Z' },
      { outcome: 'done', transactionId: idOfReport(4), receipt: 'four' },
    ]);
    const results = ['recorded', 'receipt_mismatch', 'transaction_unknown', 'credit_exceeded'];
    broker.result = () => results.shift()!;
    await outbox.flush();
    expect([outbox.refusedReceipts, outbox.size]).toEqual([2, 0]);
  });
});

function idOfReport(number: number): TransactionId {
  return uuidV7<TransactionId>(number, new Uint8Array(10));
}

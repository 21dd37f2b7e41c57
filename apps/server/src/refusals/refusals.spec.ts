// What peers are denied is told to them by code, and counted for the operator (B17): who, where, why, how often.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Log, type LogFields } from '#process';
import { formatTime, type PeerId, type TransactionId, uuidV7 } from '#protocol';
import { REFUSAL_COUNTS_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { someContent, TestNetwork } from '../testing/test-network.js';
import { someObject, someShard } from '../testing/test-peer.js';
import { type ListedRefusal, listRefusals, refusalLines } from './list-refusals.js';
import { RefusalCounts } from './refusal-counts.js';

/** Keeps what is logged as an error. */
class ErrorLog extends Log {
  readonly kept: LogFields[] = [];

  debug(): void {}
  info(): void {}
  warn(): void {}

  error(fields: LogFields): void {
    this.kept.push(fields);
  }
}

const errors = new ErrorLog();
let network: TestNetwork;
let database: BrokerDatabase;
beforeAll(async () => {
  network = await TestNetwork.create({ log: errors });
  database = await BrokerDatabase.open(join(network.fixture.dataDir, 'broker.db'));
});
afterAll(async () => {
  await database.close();
  await network.remove();
});

const listed = async (): Promise<ListedRefusal[]> => {
  await network.fixture.broker.endExpiredNow();
  return listRefusals(database.reads, network.nowMs - 60_000);
};

describe('refusals', () => {
  it('of the broker are counted by who asked, for what, and the host that was meant', async () => {
    const { client } = network;
    const target = client.peerId;
    const huge = someObject(network.fixture, { shards: [0, 1, 2].map((i) => someShard(i, 60_000_000)) });
    const named = someObject(network.fixture);
    const meant = { ...named, shards: named.shards.map((shard) => ({ ...shard, target })) };
    for (let i = 0; i < 3; i++) {
      expect((await client.post('/v1/puts', { objects: [huge] })).code).toBe('credit_exceeded');
    }
    expect((await client.post('/v1/puts', { objects: [meant] })).code).toBe('target_unavailable');
    expect((await client.post('/v1/gets', { objects: [{ objectId: named.objectId, avoid: [] }] })).code).toBe(
      'object_unknown',
    );
    expect((await client.post('/v1/puts', { objects: [] })).code).toBe('request_invalid');
    await client.post('/v1/recovery-key', {});

    const hour = formatTime(Math.floor(network.nowMs / 3_600_000) * 3_600_000);
    const by = { hour, askedBy: client.peerId, host: null, reportedBy: 'broker', last: formatTime(network.nowMs) };
    const refusals = await listed();
    expect(refusals).toHaveLength(4);
    expect(refusals[0]).toEqual({ ...by, op: 'put', code: 'credit_exceeded', count: 3 });
    expect(refusals).toContainEqual({ ...by, host: target, op: 'put', code: 'target_unavailable', count: 1 });
    expect(refusals).toContainEqual({ ...by, op: 'get', code: 'object_unknown', count: 1 });
    expect(refusals).toContainEqual({ ...by, op: 'put', code: 'request_invalid', count: 1 });
  });

  it('of hosts are listed beside them, and so is an alarm for a receipt of nothing (trap 9)', async () => {
    const [host] = network.hosts;
    const at = formatTime(network.nowMs);
    const refused = { outcome: 'refused', code: 'token_invalid', clientId: network.client.peerId, count: 7, at };
    const id = uuidV7<TransactionId>(network.nowMs, randomBytes(10));
    const minted = network.done(host!, id, 'put', [{ ...someContent(), result: 'stored' }]);
    expect(await host!.report([refused, minted, minted])).toEqual([
      'recorded',
      'transaction_unknown',
      'transaction_unknown',
    ]);
    expect(errors.kept).toEqual([
      { event: 'alarm_unknown_receipt', reporter: host!.peerId, transactionId: id, receipts: 2 },
    ]);
    expect(await listed()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          askedBy: network.client.peerId,
          host: host!.peerId,
          reportedBy: 'host',
          op: null,
          code: 'token_invalid',
          count: 7,
        }),
        expect.objectContaining({
          askedBy: host!.peerId,
          reportedBy: 'broker',
          op: 'report',
          code: 'transaction_unknown',
          count: 2,
        }),
      ]),
    );
  });

  it('survive a clean stop of the broker', async () => {
    const before = await listed();
    const count = (refusals: readonly ListedRefusal[]): number =>
      refusals.find(({ code }) => code === 'object_unknown')?.count ?? 0;
    await network.client.post('/v1/gets', { objects: [{ objectId: someObject(network.fixture).objectId, avoid: [] }] });
    await network.fixture.stop();
    expect(count(await listRefusals(database.reads, network.nowMs - 60_000))).toBe(count(before) + 1);
    await network.fixture.startAgain();
  });

  it('are bounded in memory: past the bound they are counted without names', async () => {
    const counts = new RefusalCounts(database);
    const failure = { hostId: null, reporter: 'broker', op: 'put', code: 'overloaded' } as const;
    for (let i = 0; i < REFUSAL_COUNTS_MAX + 500; i++) {
      counts.add([{ ...failure, clientId: `made-up-${i}` as PeerId }], network.nowMs);
    }
    await counts.write();
    const [nameless] = await database.reads.query<{ failures: number }[]>(
      "SELECT failures FROM peer_failures WHERE client_id = '' AND code = 'overloaded'",
    );
    expect(nameless!.failures).toBe(500);
    const [rows] = await database.reads.query<{ n: number }[]>(
      "SELECT COUNT(*) AS n FROM peer_failures WHERE code = 'overloaded'",
    );
    expect(rows!.n).toBe(REFUSAL_COUNTS_MAX + 1);
  });

  it('are one line each for people', () => {
    const refusal: ListedRefusal = {
      hour: 'H',
      askedBy: null,
      host: 'x',
      reportedBy: 'host',
      op: null,
      code: 'host_full',
      count: 2,
      last: 'L',
    };
    expect(refusalLines([refusal])).toBe(
      'HOUR\tASKED BY\tHOST\tREPORTED BY\tOP\tCODE\tCOUNT\tLAST\nH\t-\tx\thost\t-\thost_full\t2\tL\n',
    );
  });
});

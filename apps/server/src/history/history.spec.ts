// How the network was: what a sample counts, how hours become days, how long they are kept, and what the operator is told.
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { changeMany, insertRows } from '#database';
import { BrokerDatabase } from '../platform/broker-database.js';
import { AdminClient } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { beginPut, someObject, TestPeer } from '../testing/test-peer.js';
import { auditsSince, mergeSamples, type NetworkSample } from './network-sample.js';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

const sample: NetworkSample = {
  peers: { vetting: 1, active: 2, leaving: 0, suspended: 0, gone: 0, revoked: 0 },
  onlineHosts: 3,
  donatedBytes: 10n ** 17n,
  usedBytes: 5n,
  objects: 7,
  objectsAtRisk: 0,
  repairsWaiting: 0,
  auditsPassed: 4,
  auditsFailed: 1,
  auditsPassedEver: 40,
  auditsFailedEver: 1,
  creditEarned: 1n,
  creditUsed: 2n,
  lossesPerHostYear: null,
};

describe('samples of one time', () => {
  it('add up what counts, keep the worst of what is at risk, and of the rest what came last', () => {
    const bad = { ...sample, objectsAtRisk: 9, repairsWaiting: 3 };
    const later = { ...sample, onlineHosts: 5, objects: 8, auditsPassed: 2, auditsFailed: 0, auditsPassedEver: 42 };
    expect(mergeSamples(bad, later)).toEqual({
      ...later,
      objectsAtRisk: 9,
      repairsWaiting: 3,
      auditsPassed: 6,
      auditsFailed: 1,
    });
  });

  it('count audits since the sample before, and never below none', () => {
    expect(auditsSince(null, { passed: 5, failed: 2 })).toMatchObject({ auditsPassed: 0, auditsFailed: 0 });
    expect(auditsSince(sample, { passed: 45, failed: 1 })).toMatchObject({ auditsPassed: 5, auditsFailed: 0 });
    expect(auditsSince(sample, { passed: 3, failed: 0 })).toMatchObject({ auditsPassed: 0, auditsPassedEver: 3 });
  });
});

describe('the history', () => {
  let fixture: BrokerFixture;
  afterEach(() => fixture.remove());

  /** At the beginning of an hour of the first day, so that what follows is where the test says. */
  const begin = async (policy: object = {}): Promise<AdminClient> => {
    fixture = await BrokerFixture.start(policy);
    fixture.clock.advance(DAY_MS - (fixture.clock.nowMs() % DAY_MS));
    await fixture.broker.sampleNetworkNow();
    return AdminClient.as(fixture, 'viewer');
  };
  const items = async (admin: AdminClient, query = ''): Promise<Record<string, unknown>[]> => {
    const answer = await admin.get(`/v1/admin/history${query}`);
    expect([query, answer.code]).toEqual([query, undefined]);
    return answer.body.items as Record<string, unknown>[];
  };
  const rows = async (insert: (database: BrokerDatabase) => Promise<unknown>): Promise<void> => {
    const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    await insert(database);
    await database.close();
  };

  it('counts peers, space, objects and what they lack', async () => {
    const admin = await begin();
    const host = await TestPeer.enrolHost(fixture);
    for (let i = 0; i < 2; i++) await TestPeer.enrolHost(fixture);
    const client = await TestPeer.enrol(fixture);
    await beginPut(client, someObject(fixture));
    await rows((database) =>
      database.write(async (db) => {
        // Two of three shards are there: nothing of it is on its way after the token's life and the grace.
        await changeMany(db, 'UPDATE objects SET stored_shards = 2 WHERE total_shards = $1', [3]);
        const columns = ['host_id', 'good', 'bad', 'verdict', 'due_at_ms', 'passed', 'failed'];
        await insertRows(db, { table: 'audit_scores', columns }, [[host.peerId, 20, 0, 'ok', 1, 12, 3]]);
      }),
    );
    await fixture.broker.sampleNetworkNow();
    const now = (await items(admin)).at(-1);
    expect(now).toMatchObject({
      onlineHosts: 3,
      objects: 1,
      objectsAtRisk: 0,
      auditsPassed: 12,
      auditsFailed: 3,
      lossesPerHostYear: fixture.broker.churn().lossesPerHostYear,
    });
    expect((now!.peers as Record<string, number>).vetting).toBe(4);
    expect(BigInt(now!.donatedBytes as string)).toBeGreaterThan(0n);
    fixture.clock.advance(HOUR_MS);
    await fixture.broker.sampleNetworkNow();
    expect((await items(admin)).at(-1)).toMatchObject({ objectsAtRisk: 1, onlineHosts: 0, auditsPassed: 0 });
  });

  it('has one sample for each hour and one for each day, also of a broker that is started again', async () => {
    const admin = await begin();
    const dayMs = fixture.clock.nowMs();
    const at = (ms: number): string => new Date(ms).toISOString();
    const host = await TestPeer.enrolHost(fixture);
    const columns = ['host_id', 'good', 'bad', 'verdict', 'due_at_ms', 'passed', 'failed'];
    const score = [host.peerId, 20, 0, 'ok', 1, 12, 3];
    await rows((database) => database.write((db) => insertRows(db, { table: 'audit_scores', columns }, [score])));
    fixture.clock.advance(HOUR_MS);
    await fixture.broker.sampleNetworkNow();
    await rows((database) => database.write((db) => changeMany(db, 'UPDATE audit_scores SET passed = $1', [15])));
    fixture.clock.advance(60_000);
    await fixture.broker.sampleNetworkNow();
    const told = (list: Record<string, unknown>[]): number[] => list.map((item) => Date.parse(item.at as string));
    const from = `from=${at(dayMs)}`;
    expect(told(await items(admin, `?${from}`))).toEqual([dayMs, dayMs + HOUR_MS]);
    expect(told(await items(admin, `?${from}&step=day`))).toEqual([dayMs]);
    // What came in both samples of one hour, and on the whole day.
    const sums = { auditsPassed: 15, auditsFailed: 3 };
    expect((await items(admin, `?${from}`)).at(-1)).toMatchObject(sums);
    expect(await items(admin, `?${from}&step=day`)).toMatchObject([sums]);
    expect(told(await items(admin, `?${from}&to=${at(dayMs + HOUR_MS)}`))).toEqual([dayMs]);
  });

  it('keeps hours and days for as long as the policy says', async () => {
    const admin = await begin({ history: { hoursForDays: 1, daysForDays: 2 } });
    for (let day = 0; day < 3; day++) {
      fixture.clock.advance(DAY_MS);
      await fixture.broker.sampleNetworkNow();
    }
    const fresh = await AdminClient.as(fixture, 'viewer');
    expect(await items(fresh)).toHaveLength(2);
    expect(await items(fresh, '?step=day')).toHaveLength(3);
    expect((await admin.get('/v1/admin/history')).code).toBe('admin_key_invalid');
  });

  it('refuses a range and a step that are none', async () => {
    const admin = await begin();
    const now = new Date(fixture.clock.nowMs()).toISOString();
    for (const query of ['step=week', 'from=yesterday', `from=${now}&to=${now}`, 'limit=1001', 'to=1']) {
      expect([query, (await admin.get(`/v1/admin/history?${query}`)).code]).toEqual([query, 'request_invalid']);
    }
  });
});

// What Prometheus is told of a broker: who may ask, that the figures are right, and that nobody makes them many.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { insertRows } from '#database';
import { BrokerDatabase } from '../platform/broker-database.js';
import { AdminClient, askAt } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { TestPeer } from '../testing/test-peer.js';

let fixture: BrokerFixture;
let viewer: AdminClient;
let host: TestPeer;

beforeAll(async () => {
  fixture = await BrokerFixture.start({ admin: { requestsPerMinute: 100_000, networkRequestsPerMinute: 100_000 } });
  viewer = await AdminClient.as(fixture, 'viewer');
  host = await TestPeer.enrolHost(fixture);
});
afterAll(() => fixture.remove());

async function figures(): Promise<Map<string, number>> {
  const { text } = await viewer.get('/metrics');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}
const sumOf = (all: ReadonlyMap<string, number>, start: string): number =>
  [...all].filter(([name]) => name.startsWith(start)).reduce((sum, [, value]) => sum + value, 0);

describe('the figures of a broker', () => {
  it('are on the admin listener alone, for a viewer, in the text form of Prometheus', async () => {
    const told = await viewer.get('/metrics');
    expect([told.status, told.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect((await new AdminClient(fixture, {}).get('/metrics')).code).toBe('admin_key_invalid');
    const ca = await fixture.caPem();
    const onPublic = await askAt(fixture.url, { method: 'GET', path: '/metrics', headers: viewer.headers }, ca);
    expect(onPublic.code).toBe('route_unknown');
  });

  it('tell requests, refusals, hosts, commits, the key pool, and the process', async () => {
    const before = await figures();
    await host.post('/v1/puts', { objects: [] });
    const after = await figures();
    const more = (start: string): number => sumOf(after, start) - sumOf(before, start);
    expect(more('peerkeep_broker_requests_total{route="POST /v1/puts",status="400"}')).toBe(1);
    expect(more('peerkeep_broker_request_duration_seconds_count{route="POST /v1/puts"}')).toBe(1);
    expect(more('peerkeep_broker_refusals_total{code="request_invalid"}')).toBe(1);
    expect(after.get('peerkeep_broker_hosts_online{state="vetting"}')).toBe(1);
    expect(after.get('peerkeep_broker_hosts_placeable')).toBe(1);
    expect(after.get('peerkeep_broker_transactions_open{state="issued"}')).toBe(0);
    expect(after.get('peerkeep_broker_commit_units_count')).toBeGreaterThan(0);
    expect(after.get('peerkeep_broker_key_pool_keys')).toBeGreaterThan(0);
    expect(after.get('peerkeep_broker_ca_expires_timestamp_seconds')).toBeGreaterThan(fixture.clock.nowMs() / 1_000);
    expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(0);
    expect(after.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
  });

  it('are told while the database is being written by somebody else, and write nothing', async () => {
    const beside = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    const { commits } = fixture.broker;
    try {
      const told = await beside.write(() => viewer.get('/metrics'));
      expect([told.status, fixture.broker.commits]).toEqual([200, commits]);
    } finally {
      await beside.close();
    }
  });

  it('count probes by what came of them', async () => {
    const probing = await BrokerFixture.start({ probeHosts: true });
    try {
      await TestPeer.enrolHost(probing);
      const { text } = await (await AdminClient.as(probing, 'viewer')).get('/metrics');
      expect(text).toMatch(/^peerkeep_broker_probes_total\{outcome="lost"\} 1$/m);
    } finally {
      await probing.remove();
    }
  });

  it('count tasks of repair by what came of them', async () => {
    const columns = ['id', 'object_id', 'account_id', 'worker_id', 'worker_account_id', 'state', 'shards', 'repaired'];
    const times = ['due_since_ms', 'begun_at_ms', 'expires_at_ms'];
    const task = ['task', 'object', 'account', host.peerId, 'account', 'running', 1, 0, 1, 1, 1];
    const beside = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    await beside.write((db) => insertRows(db, { table: 'repair_tasks', columns: [...columns, ...times] }, [task]));
    await beside.close();
    await fixture.broker.tendRepairsNow();
    expect((await figures()).get('peerkeep_broker_repairs_total{outcome="failed"}')).toBe(1);
  });

  it('are named as Prometheus names: a prefix, base units, _total', async () => {
    const { text } = await viewer.get('/metrics');
    const types = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].filter(([, name]) => name!.startsWith('peerkeep_'));
    expect(types.length).toBeGreaterThan(20);
    for (const [, name, type] of types) {
      expect(name).toMatch(/^peerkeep_broker_[a-z_]+$/);
      expect([name, name!.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(/_(?:ms|milliseconds|kb|mb|percent)(?:_|$)/);
    }
  });

  it('stay few whatever is asked for, and carry no id', async () => {
    const ca = await fixture.caPem();
    const ask = (path: string, method = 'GET') => askAt(fixture.url, { method, path, headers: {} }, ca);
    await ask('/v1/groups/0199f1e0-0000-7000-8000-000000000000');
    await ask('/nothing/0');
    await ask('/healthz');
    // Those of the process come and go with its handles.
    const own = async (): Promise<string[]> =>
      [...(await figures()).keys()].filter((name) => name.startsWith('peerkeep_'));
    const before = await own();
    for (let i = 1; i <= 50; i++) {
      await ask(`/v1/groups/0199f1e0-0000-7000-8000-0000000000${String(i).padStart(2, '0')}`);
      await ask(`/nothing/${i}?q=${i}`);
      await ask(`/healthz?q=${i}`);
    }
    const after = await own();
    expect(after).toEqual(before);
    expect(after.filter((name) => /[0-9a-f]{8}-|127\.0\.0\.1|nothing/.test(name))).toEqual([]);
  });
});

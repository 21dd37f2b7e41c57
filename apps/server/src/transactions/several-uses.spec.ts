// Streams and universal tokens at the running broker (B13): many uses of one token, each settled as it is reported.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BeginPutAnswer,
  type BeginStreamAnswer,
  type BeginUniversalAnswer,
  formatTime,
  type ObjectId,
  type UniversalPermission,
  uuidV7,
} from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { OPENING_CREDIT, someContent, TestNetwork } from '../testing/test-network.js';
import { someObject } from '../testing/test-peer.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let network: TestNetwork;
let database: BrokerDatabase;
beforeAll(async () => {
  network = await TestNetwork.create({ policy: { universal: 'always' } });
  database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
});
afterAll(async () => {
  await database.close();
  await network.remove();
});

const rowOf = async (transactionId: string): Promise<object> => {
  const [row] = await database.reads.query<object[]>(
    'SELECT state, uses, moved_bytes FROM transactions WHERE id = $1 AND is_use = 0',
    [transactionId],
  );
  return row!;
};

describe('a stream', () => {
  it('permits ranges of every shard that is there, for a day and a number of bytes', async () => {
    const { object } = await network.store();
    const asked = { objectId: object.objectId, maxBytes: 50_000, avoid: [network.hosts[0]!.peerId] };
    const { body } = await network.client.post<BeginStreamAnswer>('/v1/streams', asked);
    expect(body.permissions).toHaveLength(2);
    for (const { token, host, cid, maxBytes, expiresAt, transactionId } of body.permissions) {
      const claims = network.read(token, network.host(host.peerId), { op: 'stream', cid });
      expect(claims).toMatchObject({ op: 'stream', maxBytes: 50_000, transactionId });
      expect([maxBytes, expiresAt]).toEqual([50_000, formatTime(network.nowMs + DAY_MS)]);
    }
    expect((await network.client.post('/v1/streams', { ...asked, maxBytes: 0 })).code).toBe('request_invalid');
    const unknown = uuidV7<ObjectId>(network.nowMs, randomBytes(10));
    expect((await network.client.post('/v1/streams', { ...asked, objectId: unknown })).code).toBe('object_unknown');
  });

  it('is known by its newest receipt, and ends by its time alone', async () => {
    const { object } = await network.store();
    const asked = { objectId: object.objectId, maxBytes: 50_000, avoid: [] };
    const { body } = await network.client.post<BeginStreamAnswer>('/v1/streams', asked);
    const [{ transactionId, cid, host: at }] = body.permissions as [BeginStreamAnswer['permissions'][0]];
    const host = network.host(at.peerId);
    const moved = (use: number, sizeBytes: number): object =>
      network.done(host, transactionId, 'stream', [{ cid, sizeBytes, result: 'served' }], { use });
    expect(await host.report([moved(2, 30_000)])).toEqual(['recorded']);
    expect(await network.client.report([moved(1, 16_384)])).toEqual(['recorded']);
    expect(await rowOf(transactionId)).toEqual({ state: 'issued', uses: 2, moved_bytes: 30_000 });
    expect(await host.report([moved(3, 50_001)])).toEqual(['receipt_mismatch']);
    expect(await host.report([moved(3, 50_000)])).toEqual(['recorded']);
    await network.endAll();
    expect(await rowOf(transactionId)).toEqual({ state: 'settled', uses: 3, moved_bytes: 50_000 });
    expect(await rowOf(body.permissions[1]!.transactionId)).toMatchObject({ state: 'void' });
  });
});

describe('a universal token', () => {
  const ask = (more: object = {}): ReturnType<typeof network.client.post<BeginUniversalAnswer>> =>
    network.client.post<BeginUniversalAnswer>('/v1/universals', {
      hosts: 3,
      maxBytes: 10_000,
      uses: 5,
      avoid: [],
      ...more,
    });
  const begin = async (): Promise<UniversalPermission[]> => (await ask()).body.permissions;
  const newObject = (): {
    objectId: ObjectId;
    kind: string;
    sizeBytes: number;
    dataShards: number;
    totalShards: number;
  } => ({
    objectId: uuidV7<ObjectId>(network.nowMs, randomBytes(10)),
    kind: 'data',
    sizeBytes: 2_000,
    dataShards: 2,
    totalShards: 3,
  });
  /** What either end reports of a put by the use of a token; the client with the object that it is of. */
  const put = (
    permission: UniversalPermission,
    use: number,
    sizeBytes: number,
    object?: object,
    content = someContent(),
  ): object => {
    const { transactionId, host } = permission;
    const items = [{ cid: content.cid, sizeBytes, result: 'stored' }];
    return network.done(network.host(host.peerId), transactionId, 'put', items, {
      use,
      ...(object === undefined ? {} : { object }),
    });
  };

  it('is sealed for some hosts and sets all that it may move aside at once', async () => {
    const before = await network.client.credit();
    const permissions = await begin();
    expect(new Set(permissions.map(({ host }) => host.peerId)).size).toBe(3);
    for (const { token, host, maxBytes, uses, expiresAt } of permissions) {
      const claims = network.read(token, network.host(host.peerId), { op: 'get', cid: someContent().cid });
      expect(claims).toMatchObject({ op: 'universal', doing: 'get', items: [], maxBytes: 10_000, maxUses: 5 });
      expect([maxBytes, uses, expiresAt]).toEqual([10_000, 5, formatTime(network.nowMs + HOUR_MS)]);
    }
    expect(await network.client.credit()).toMatchObject({ reserved: before.reserved + 30_000 });
    const avoid = network.hosts.map(({ peerId }) => peerId);
    expect((await ask({ avoid: avoid.slice(1) })).body.permissions).toHaveLength(1);
    expect((await ask({ avoid })).code).toBe('not_enough_hosts');
    expect((await ask({ maxBytes: OPENING_CREDIT })).code).toBe('credit_exceeded');
    await network.endAll();
    expect(await network.client.credit()).toEqual(before);
  });

  it('stores objects that the broker hears of by the reports alone, and pays each use once', async () => {
    const before = await network.client.credit();
    const permissions = await begin();
    const object = newObject();
    const reports = permissions.map((permission, index) => put(permission, 1, 1_000, { ...object, index }));
    // Hosts report the same receipts, and know nothing of objects.
    for (const [i, report] of reports.entries()) {
      const { object: _, ...byHost } = report as { object: object };
      expect(await network.host(permissions[i]!.host.peerId).report([byHost])).toEqual(['recorded']);
    }
    expect((await network.client.get<{ objects: object[] }>('/v1/objects')).body.objects).not.toContainEqual(
      expect.objectContaining({ objectId: object.objectId }),
    );
    for (let i = 0; i < 2; i++) {
      expect(await network.client.report(reports)).toEqual(['recorded', 'recorded', 'recorded']);
    }
    expect((await network.client.get<{ objects: object[] }>('/v1/objects')).body.objects).toContainEqual(
      expect.objectContaining({ objectId: object.objectId, storedShards: 3 }),
    );
    expect(await network.client.credit()).toMatchObject({
      reserved: before.reserved + 27_000,
      used: before.used + 3_000,
    });
    const get = await network.client.post('/v1/gets', { objects: [{ objectId: object.objectId, avoid: [] }] });
    expect((get.body as { objects: { permissions: object[] }[] }).objects[0]!.permissions).toHaveLength(3);

    // What it did not need goes back when it has ended.
    await network.endAll();
    expect(await network.client.credit()).toEqual({
      ...before,
      available: before.available - 3_000,
      used: before.used + 3_000,
    });
    expect(await rowOf(permissions[0]!.transactionId)).toEqual({ state: 'settled', uses: 1, moved_bytes: 1_000 });
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('keeps aside what hosts have stored and the client does not confirm; a late word is paid from what is free', async () => {
    const before = await network.client.credit();
    const [first, second] = (await begin()) as [UniversalPermission, UniversalPermission];
    const content = someContent();
    const { object: _, ...byHost } = put(first, 1, 1_000, {}, content) as { object: object };
    expect(await network.host(first.host.peerId).report([byHost])).toEqual(['recorded']);
    await network.endAll();
    expect(await network.client.credit()).toEqual({
      ...before,
      available: before.available - 1_000,
      reserved: before.reserved + 1_000,
    });
    const object = newObject();
    expect(await network.client.report([put(first, 1, 1_000, { ...object, index: 0 }, content)])).toEqual(['recorded']);
    expect(await network.client.report([put(second, 1, 1_000, { ...object, index: 1 })])).toEqual(['recorded']);
    expect(await network.client.credit()).toEqual({
      ...before,
      available: before.available - 2_000,
      used: before.used + 2_000,
    });
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('counts no use past its budget, and no second receipt for one use', async () => {
    const [permission] = (await begin()) as [UniversalPermission];
    const host = network.host(permission.host.peerId);
    const served = (use: number, sizeBytes: number): object =>
      network.done(host, permission.transactionId, 'get', [{ cid: someContent().cid, sizeBytes, result: 'served' }], {
        use,
      });
    expect(await host.report([served(1, 6_000), served(2, 4_001), served(2, 4_000)])).toEqual([
      'recorded',
      'token_budget_spent',
      'recorded',
    ]);
    expect(await host.report([served(3, 1), served(1, 6_000), served(6, 1)])).toEqual([
      'token_budget_spent',
      'receipt_mismatch',
      'receipt_mismatch',
    ]);
    expect(await rowOf(permission.transactionId)).toMatchObject({ uses: 2, moved_bytes: 10_000 });
    const deleted = network.done(host, permission.transactionId, 'delete', [{ ...someContent(), result: 'deleted' }]);
    expect(await host.report([deleted])).toEqual(['receipt_mismatch']);
  });

  it('puts no two shards of an object with one host, and nothing into another object', async () => {
    const [first, second] = (await begin()) as [UniversalPermission, UniversalPermission];
    const object = newObject();
    const other = await network.store();
    const { objectId, kind, sizeBytes, dataShards, totalShards } = other.object;
    const results = await network.client.report([
      put(first, 1, 1_000, { ...object, index: 0 }),
      put(first, 2, 1_000, { ...object, index: 1 }),
      put(second, 1, 1_000, { ...object, index: 0 }),
      put(second, 1, 1_000, { ...object, index: 3 }),
      put(second, 1, 1_000, { ...object, kind: 'tree', index: 1 }),
      put(second, 1, 1_000, { ...newObject(), dataShards: 1, totalShards: 3, index: 0 }),
      put(second, 1, 1_000, { objectId, kind, sizeBytes, dataShards, totalShards, index: 1 }),
      put(second, 1, 1_000),
      put(second, 1, 1_000, { ...object, index: 1 }),
    ]);
    expect(results).toEqual([
      'recorded',
      'shards_together',
      'object_conflict',
      'request_invalid',
      'object_conflict',
      'redundancy_changed',
      'object_conflict',
      'request_invalid',
      'recorded',
    ]);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('stores a shard by the use that is paid, when one before it in the request was not', async () => {
    const [ended] = (await begin()) as [UniversalPermission];
    await network.endAll();
    const { available } = await network.client.credit();
    const { body } = await ask({ maxBytes: Math.floor(available / 3) });
    const live = body.permissions.find(({ host }) => host.peerId !== ended.host.peerId)!;
    const object = { ...newObject(), index: 0 };
    const content = someContent();
    const reports = [put(ended, 1, 1_000, object, content), put(live, 1, 1_000, object, content)];
    expect(await network.client.report(reports)).toEqual(['credit_exceeded', 'recorded']);
    const shards = await database.reads.query('SELECT state, host_id FROM shards WHERE object_id = $1', [
      object.objectId,
    ]);
    expect(shards).toEqual([{ state: 'stored', host_id: live.host.peerId }]);
    await network.endAll();
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('is of an object for its puts alone', async () => {
    const [permission] = (await begin()) as [UniversalPermission];
    const { object } = await network.store();
    const { objectId, kind, sizeBytes, dataShards, totalShards } = object;
    const served = network.done(
      network.host(permission.host.peerId),
      permission.transactionId,
      'get',
      [{ ...someContent(), result: 'served' }],
      { use: 1, object: { objectId, kind, sizeBytes, dataShards, totalShards, index: 0 } },
    );
    expect(await network.client.report([served])).toEqual(['recorded']);
  });

  it('is offered by the answers of puts and gets, and refused when it is not', async () => {
    const asked = { objects: [someObject(network.fixture)] };
    expect((await network.client.post<BeginPutAnswer>('/v1/puts', asked)).body.universalOffered).toBe(true);
    const never = await TestNetwork.create({ policy: { universal: 'never' } });
    const { body } = await never.client.post<BeginPutAnswer>('/v1/puts', { objects: [someObject(never.fixture)] });
    expect(body.universalOffered).toBe(false);
    const refused = await never.client.post('/v1/universals', { hosts: 1, maxBytes: 1, uses: 1, avoid: [] });
    expect(refused.code).toBe('universal_not_offered');
    await never.remove();
  });
});

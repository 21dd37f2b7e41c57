// Deletions at the running broker: out of every list at once, forgotten when the hosts say so, kept while retained.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type BeginDeleteAnswer, formatTime, type ReceiptItem } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { TestNetwork } from '../testing/test-network.js';
import { beginPut, someObject, someShard, TestPeer } from '../testing/test-peer.js';

const HOUR_MS = 3_600_000;

let network: TestNetwork;
let database: BrokerDatabase;
beforeAll(async () => {
  network = await TestNetwork.create();
  database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
});
beforeEach(async () => {
  for (const host of network.hosts) await host.announce();
});
afterAll(async () => {
  await database.close();
  await network.remove();
});

const remove = async (...objectIds: string[]): Promise<BeginDeleteAnswer> => {
  const answer = await network.client.post<BeginDeleteAnswer>('/v1/deletes', { objectIds });
  expect(answer.code).toBeUndefined();
  return answer.body;
};
const deletedOnes = async (): Promise<string[]> => {
  const { body } = await network.client.get<{ objects: { objectId: string }[] }>('/v1/objects?state=deleted');
  return body.objects.map(({ objectId }) => objectId);
};
const isListed = async (objectId: string): Promise<boolean> => {
  const { body } = await network.client.get<{ objects: { objectId: string }[] }>('/v1/objects');
  return body.objects.some((object) => object.objectId === objectId);
};
const known = async (objectId: string): Promise<{ objects: number; shards: number }> => {
  const count = async (sql: string): Promise<number> =>
    Number((await database.reads.query<{ n: number }[]>(sql, [objectId]))[0]!.n);
  return {
    objects: await count('SELECT COUNT(*) AS n FROM objects WHERE id = $1'),
    shards: await count('SELECT COUNT(*) AS n FROM shards WHERE object_id = $1'),
  };
};
/** The host of a batch reports what became of its items. */
const tell = async (batch: BeginDeleteAnswer['batches'][number], result = 'deleted'): Promise<string[]> => {
  const host = network.host(batch.host.peerId);
  const items: ReceiptItem[] = batch.items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, result }));
  return host.report([network.done(host, batch.transactionId, 'delete', items)]);
};

describe('a deletion', () => {
  it('takes objects out of every list at once, by one token per host', async () => {
    const { object: first } = await network.store();
    const { object: second } = await network.store();
    const { batches, offline, retained } = await remove(first.objectId, second.objectId);
    expect([offline, retained]).toEqual([[], []]);
    expect(batches.map(({ items }) => items.length)).toEqual([2, 2, 2]);
    for (const batch of batches) {
      const token = network.read(batch.token, network.host(batch.host.peerId), { op: 'batch' });
      expect(token.doing).toBe('delete');
      expect(token.items).toEqual(batch.items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes })));
    }
    expect(await isListed(first.objectId)).toBe(false);
    const get = { objects: [{ objectId: first.objectId, avoid: [] }] };
    expect((await network.client.post('/v1/gets', get)).code).toBe('object_unknown');
    expect((await network.client.post('/v1/puts', { objects: [first] })).code).toBe('object_conflict');

    // Forgotten shard by shard, as the hosts say that they have them no more.
    expect(await known(first.objectId)).toEqual({ objects: 1, shards: 3 });
    for (const [i, batch] of batches.entries()) {
      expect(await tell(batch)).toEqual(['recorded']);
      expect(await known(first.objectId)).toEqual({ objects: i === 2 ? 0 : 1, shards: 2 - i });
    }
    expect(await remove(first.objectId)).toEqual({ batches: [], offline: [], retained: [] });
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('asks again for what a host still has, also for one that was away', async () => {
    const { object, puts } = await network.store();
    const away = network.host(puts[0]!.permission.host.peerId);
    await away.post('/v1/presence', { host: null, program: 'test' });
    const first = await remove(object.objectId);
    expect(first.offline).toEqual([{ objectId: object.objectId, index: puts[0]!.shard.index, peerId: away.peerId }]);
    for (const batch of first.batches) expect(await tell(batch)).toEqual(['recorded']);
    await away.announce();
    const second = await remove(object.objectId);
    expect(second.batches.map(({ host }) => host.peerId)).toEqual([away.peerId]);
    // A host that never had it, or lost it, has nothing to delete.
    const unknown = network.failed(second.batches[0]!.transactionId, 'shard_unknown');
    expect(await network.client.report([unknown])).toEqual(['recorded']);
    expect((await known(object.objectId)).shards).toBe(1);
    expect(await away.report([unknown])).toEqual(['recorded']);
    expect(await known(object.objectId)).toEqual({ objects: 0, shards: 0 });
  });

  it('leaves an object that is retained as it is, in the lists too, until then', async () => {
    const until = formatTime(network.nowMs + HOUR_MS);
    const { object } = await network.store({ retainUntil: until });
    const kept = await remove(object.objectId);
    expect(kept.batches).toEqual([]);
    expect(kept.retained.map(({ index, until: time }) => [index, time])).toEqual([0, 1, 2].map((i) => [i, until]));
    expect(await isListed(object.objectId)).toBe(true);
    expect((await network.client.post('/v1/gets', { objects: [{ objectId: object.objectId, avoid: [] }] })).code).toBe(
      undefined,
    );
    expect(await deletedOnes()).not.toContain(object.objectId);
    network.fixture.clock.advance(HOUR_MS);
    for (const host of network.hosts) await host.announce();
    const { batches, retained } = await remove(object.objectId);
    expect([batches.length, retained]).toEqual([3, []]);
    // A host whose clock is behind keeps it still: then it is asked again.
    expect(await tell(batches[0]!, 'deleted')).toEqual(['recorded']);
    const refused = network.failed(batches[1]!.transactionId, 'shard_retained');
    expect(await network.host(batches[1]!.host.peerId).report([refused])).toEqual(['recorded']);
    expect((await remove(object.objectId)).batches).toHaveLength(2);
    expect(await isListed(object.objectId)).toBe(false);
  });

  it('is not begun for an object whose retained put is still under way', async () => {
    const until = formatTime(network.nowMs + HOUR_MS);
    const object = someObject(network.fixture, { retainUntil: until });
    await beginPut(network.client, object);
    expect((await remove(object.objectId)).retained).toHaveLength(3);
    expect((await network.client.post('/v1/puts', { objects: [object] })).code).toBe(undefined);
    await network.endAll();
  });

  it('lists what is deleted while hosts still have something of it', async () => {
    const { object } = await network.store();
    expect(await deletedOnes()).not.toContain(object.objectId);
    const { batches } = await remove(object.objectId);
    expect(await deletedOnes()).toContain(object.objectId);
    for (const batch of batches) expect(await tell(batch)).toEqual(['recorded']);
    expect(await deletedOnes()).not.toContain(object.objectId);
  });

  it('lets puts under way end, gives back what came to nothing, and is never blocked by an empty purse', async () => {
    const before = await network.client.credit();
    const left = Math.floor(before.available / 3);
    const object = someObject(network.fixture, {
      shards: someObject(network.fixture).shards.map((shard) => ({ ...shard, sizeBytes: left })),
    });
    await beginPut(network.client, object);
    expect((await network.client.credit()).available).toBeLessThan(3);
    expect(await remove(object.objectId)).toEqual({ batches: [], offline: [], retained: [] });
    expect((await network.client.credit()).available).toBeLessThan(3);
    expect(await isListed(object.objectId)).toBe(false);
    await network.endAll();
    expect(await network.client.credit()).toEqual(before);
    expect(await known(object.objectId)).toEqual({ objects: 0, shards: 0 });
  });

  it('is told where a put under way has stored a shard, and asks for it when it is asked again', async () => {
    const object = someObject(network.fixture);
    const [put, failing] = await beginPut(network.client, object);
    await remove(object.objectId);
    const host = network.host(put!.permission.host.peerId);
    expect(await host.report([network.doneOf(put!)])).toEqual(['recorded']);
    expect(await isListed(object.objectId)).toBe(false);
    const { batches } = await remove(object.objectId);
    expect(batches.map((batch) => [batch.host.peerId, batch.items.map(({ index }) => index)])).toEqual([
      [host.peerId, [put!.shard.index]],
    ]);
    expect(await tell(batches[0]!)).toEqual(['recorded']);
    const failed = network.failed(failing!.permission.transactionId, 'shard_corrupt');
    expect(await network.host(failing!.permission.host.peerId).report([failed])).toEqual(['recorded']);
    expect(await known(object.objectId)).toEqual({ objects: 1, shards: 1 });
    await network.endAll();
    expect(await known(object.objectId)).toEqual({ objects: 0, shards: 0 });
  });

  it('of another account has nothing to delete', async () => {
    const { object } = await network.store();
    const stranger = await TestPeer.enrol(network.fixture);
    const answer = await stranger.post('/v1/deletes', { objectIds: [object.objectId] });
    expect(answer.body).toEqual({ batches: [], offline: [], retained: [] });
    expect(await isListed(object.objectId)).toBe(true);
  });

  it('keeps content that another object has at the same host', async () => {
    const { object, puts } = await network.store();
    const twin = someObject(network.fixture, {
      shards: object.shards.map((shard) => {
        const put = puts.find(({ shard: { index } }) => index === shard.index)!;
        return { ...shard, target: put.permission.host.peerId };
      }),
    });
    for (const put of await beginPut(network.client, twin)) {
      const report = network.doneOf({ ...put, shard: { ...put.shard } });
      expect(await network.client.report([report])).toEqual(['recorded']);
    }
    expect(await remove(object.objectId)).toEqual({ batches: [], offline: [], retained: [] });
    expect(await known(object.objectId)).toEqual({ objects: 0, shards: 0 });
    expect(await isListed(twin.objectId)).toBe(true);
    expect((await remove(twin.objectId)).batches).toHaveLength(3);
  });

  it('lets no late put store what is under its id by then: a byte would pay for a shard', async () => {
    const before = await network.client.credit();
    const small = someObject(network.fixture, { shards: [0, 1, 2].map((index) => someShard(index, 1)) });
    const puts = await beginPut(network.client, small);
    await remove(small.objectId);
    const large = someObject(network.fixture, { objectId: small.objectId });
    expect((await network.client.post('/v1/puts', { objects: [large] })).code).toBe('object_conflict');
    await network.endAll();
    const later = await beginPut(network.client, large);
    expect(await network.client.report(puts.map((put) => network.doneOf(put)))).toEqual(puts.map(() => 'recorded'));
    for (const { permission } of later) {
      const failed = network.failed(permission.transactionId);
      expect(await network.host(permission.host.peerId).report([failed])).toEqual(['recorded']);
    }
    // Each put is paid by itself, and what is nowhere costs nothing.
    expect(await network.client.credit()).toEqual(before);
    const stored = "SELECT COUNT(*) AS n FROM shards WHERE object_id = $1 AND state = 'stored'";
    expect(await database.reads.query(stored, [small.objectId])).toEqual([{ n: 0 }]);
    expect(await isListed(small.objectId)).toBe(false);
    await remove(small.objectId);
  });

  it('forgets no other content that is under its id by then', async () => {
    const { object, puts } = await network.store();
    const twice = [await remove(object.objectId), await remove(object.objectId)] as const;
    for (const batch of twice[0].batches) expect(await tell(batch)).toEqual(['recorded']);
    expect(await known(object.objectId)).toEqual({ objects: 0, shards: 0 });
    const hostOf = (at: number) => puts.find(({ shard }) => shard.index === at)!.permission.host.peerId;
    const shards = [0, 1, 2].map((index) => ({ ...someShard(index), target: hostOf(index) }));
    await network.store({ objectId: object.objectId, shards });
    for (const { host, transactionId } of twice[1].batches) {
      const unknown = network.failed(transactionId, 'shard_unknown');
      expect(await network.host(host.peerId).report([unknown])).toEqual(['recorded']);
    }
    expect(await known(object.objectId)).toEqual({ objects: 1, shards: 3 });
    expect(await isListed(object.objectId)).toBe(true);
  });
});

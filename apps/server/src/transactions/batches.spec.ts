// Batches and named targets at the running broker (B11, B13): one token for all shards of a host, a result for each.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BeginGetAnswer, type BeginPutAnswer, formatTime, type PutBatch, type ReceiptItem } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { OPENING_CREDIT, shardsOfBatch, TestNetwork } from '../testing/test-network.js';
import { someObject, someShard } from '../testing/test-peer.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.create();
});
afterAll(() => network.remove());

const objects = (count: number): ReturnType<typeof someObject>[] =>
  Array.from({ length: count }, () => someObject(network.fixture));
const beginBatch = async (asked: ReturnType<typeof objects>): Promise<BeginPutAnswer> => {
  const answer = await network.client.post<BeginPutAnswer>('/v1/puts', { objects: asked, batch: true });
  expect(answer.code).toBeUndefined();
  return answer.body;
};
const receiptItems = (shards: ReturnType<typeof shardsOfBatch>, results: readonly string[] = []): ReceiptItem[] =>
  shards.map(({ cid, sizeBytes }, i) => ({ cid, sizeBytes, result: results[i] ?? 'stored' }));

describe('a batch of puts', () => {
  it('has one token per host for all shards of the request there, which only that host reads', async () => {
    const asked = objects(4);
    const { batches, objects: answered } = await beginBatch(asked);
    expect(answered.map(({ permissions, unplaced }) => [permissions, unplaced])).toEqual(asked.map(() => [[], []]));
    expect(batches!.map(({ host }) => host.peerId).sort()).toEqual(network.hosts.map(({ peerId }) => peerId).sort());
    for (const batch of batches!) {
      const shards = shardsOfBatch(batch, asked);
      const host = network.host(batch.host.peerId);
      const token = network.read(batch.token, host, { op: 'batch' });
      expect(token.items).toEqual(shards.map(({ cid, sizeBytes }) => ({ cid, sizeBytes })));
      expect(token).toMatchObject({ transactionId: batch.transactionId, op: 'put', doing: 'put' });
      expect(formatTime(token.expiresAtMs)).toBe(batch.expiresAt);
      expect(token.expiresAtMs - token.issuedAtMs).toBe(DAY_MS);
      // A token of several shards is no token for one of them.
      expect(() => network.read(batch.token, host, { op: 'put', cid: shards[0]!.cid })).toThrow(
        expect.objectContaining({ code: 'token_wrong_content' }),
      );
    }
  });

  it('settles what its receipt says was stored, and gives back the rest (B19)', async () => {
    const before = await network.client.credit();
    const asked = objects(3);
    const { batches } = await beginBatch(asked);
    expect((await network.client.credit()).reserved - before.reserved).toBe(9_000);
    const [first, ...others] = batches!;
    const shards = shardsOfBatch(first!, asked);
    const host = network.host(first!.host.peerId);
    const report = network.done(host, first!.transactionId, 'put', receiptItems(shards, ['stored', 'host_full']));

    // The host's own word that it has not got the second: that one is given back before the client has spoken.
    expect(await host.report([report])).toEqual(['recorded']);
    expect(await network.client.credit()).toMatchObject({ reserved: before.reserved + 8_000 });
    for (let i = 0; i < 2; i++) expect(await network.client.report([report])).toEqual(['recorded']);
    expect(await network.client.credit()).toEqual({
      available: before.available - 8_000,
      reserved: before.reserved + 6_000,
      used: before.used + 2_000,
      withheld: 0,
    });
    // A failure of a whole batch gives all of it back, when it is the host's word.
    for (const { transactionId } of others) {
      expect(await network.client.report([network.failed(transactionId)])).toEqual(['recorded']);
    }
    expect((await network.client.credit()).reserved).toBe(before.reserved + 6_000);
    for (const { transactionId, host } of others) {
      const failed = network.failed(transactionId, 'token_released_too_often');
      expect(await network.host(host.peerId).report([failed])).toEqual(['recorded']);
    }
    expect((await network.client.credit()).reserved).toBe(before.reserved);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('goes through its items once for all failures of one request, whatever they say', async () => {
    const { batches } = await beginBatch(objects(2));
    const [{ transactionId, items }] = batches as [PutBatch];
    const database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
    const counted = async (): Promise<number> => {
      const rows = await database.reads.query<{ failures: number }[]>('SELECT failures FROM peer_failures');
      return rows.reduce((sum, { failures }) => sum + failures, 0);
    };
    const before = await counted();
    const failures = Array.from({ length: 512 }, (_, i) => network.failed(transactionId, `made_up_${i}`));
    expect(new Set(await network.client.report(failures))).toEqual(new Set(['recorded']));
    expect((await counted()) - before).toBe(items.length);
    await database.close();
    const elsewhere = { hostId: network.client.peerId };
    const unknown = [0, 1].map(() => network.failed(transactionId, 'peer_unreachable', elsewhere));
    expect(await network.client.report(unknown)).toEqual(['transaction_unknown', 'transaction_unknown']);
  });

  it('takes no receipt with other items, in other order, or of other sizes', async () => {
    const asked = objects(2);
    const { batches } = await beginBatch(asked);
    const [batch] = batches!;
    const shards = shardsOfBatch(batch!, asked);
    const host = network.host(batch!.host.peerId);
    const items = receiptItems(shards);
    const wrong = [
      items.slice(0, 1),
      [...items].reverse(),
      [...items, ...receiptItems([someShard(0)])],
      items.map((item) => ({ ...item, sizeBytes: item.sizeBytes + 1 })),
    ];
    for (const among of wrong) {
      const report = network.done(host, batch!.transactionId, 'put', among);
      expect(await host.report([report])).toEqual(['receipt_mismatch']);
    }
  });

  it('is one token for one shard where a host gets one, and never one content twice', async () => {
    const same = someShard(0);
    const asked = objects(2).map((object) => ({
      ...object,
      shards: object.shards.map((shard) => ({ ...shard, cid: same.cid })),
    }));
    const { batches } = await beginBatch(asked);
    expect(batches).toHaveLength(6);
    for (const batch of batches!) {
      const token = network.read(batch.token, network.host(batch.host.peerId), { op: 'batch' });
      expect(token.items).toHaveLength(1);
      expect(token.expiresAtMs - token.issuedAtMs).toBe(15 * MINUTE_MS);
    }
  });

  it('says in its token how long the shards are retained', async () => {
    const retainUntil = formatTime(network.nowMs + DAY_MS);
    const [free, retained] = objects(2);
    const { batches } = await beginBatch([free!, { ...retained!, retainUntil }]);
    const told = batches!.map(({ token, host, items }) => {
      const { retainUntilMs } = network.read(token, network.host(host.peerId), { op: 'batch' });
      return [items.every(({ objectId }) => objectId === retained!.objectId), retainUntilMs];
    });
    expect(told.filter(([isRetained]) => isRetained)).toEqual(Array(3).fill([true, network.nowMs + DAY_MS]));
    expect(told.filter(([isRetained]) => !isRetained)).toEqual(Array(3).fill([false, undefined]));
    const past = await network.client.post('/v1/puts', {
      objects: [{ ...free!, retainUntil: formatTime(network.nowMs) }],
    });
    expect(past.code).toBe('request_invalid');
  });
});

describe('a batch of gets', () => {
  it('has one token per host for all shards that it holds of the objects', async () => {
    const stored = [await network.store(), await network.store()];
    const wanted = stored.map(({ object }) => ({ objectId: object.objectId, avoid: [] }));
    const { body } = await network.client.post<BeginGetAnswer>('/v1/gets', { objects: wanted, batch: true });
    expect(body.objects.map(({ permissions }) => permissions)).toEqual([[], []]);
    expect(body.batches).toHaveLength(3);
    for (const batch of body.batches!) {
      const host = network.host(batch.host.peerId);
      const token = network.read(batch.token, host, { op: 'batch' });
      expect(token.doing).toBe('get');
      expect(token.items).toEqual(batch.items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes })));
      const items = batch.items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, result: 'served' }));
      expect(await network.client.report([network.done(host, batch.transactionId, 'get', items)])).toEqual([
        'recorded',
      ]);
    }
  });
});

describe('a named target (B11)', () => {
  it('gets the shard that is meant for it, and the broker chooses for the others', async () => {
    const target = network.hosts[1]!.peerId;
    const object = someObject(network.fixture);
    const shards = object.shards.map((shard) => (shard.index === 2 ? { ...shard, target } : shard));
    const { body } = await network.client.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...object, shards }] });
    const hostOf = new Map(body.objects[0]!.permissions.map(({ index, host }) => [index, host.peerId]));
    expect(hostOf.get(2)).toBe(target);
    expect(new Set(hostOf.values()).size).toBe(3);
  });

  it('is refused when it may not or cannot take the shard, and nothing is set aside', async () => {
    const before = await network.client.credit();
    const [first] = network.hosts;
    const { object: held, puts } = await network.store();
    const missing = { ...held, shards: [someShard(0)] };
    const refusal = async (target: string, changes: object = {}, sizeBytes = 1_000): Promise<string | undefined> => {
      const object = { ...someObject(network.fixture), ...changes };
      const shards = object.shards.map((shard) => (shard.index === 0 ? { ...shard, target, sizeBytes } : shard));
      return (await network.client.post('/v1/puts', { objects: [{ ...object, shards }] })).code;
    };
    expect(await refusal(network.client.peerId)).toBe('target_unavailable');
    expect(await refusal(missing.objectId)).toBe('target_unavailable');
    expect(await refusal(first!.peerId, { avoid: [first!.peerId] })).toBe('target_unavailable');
    const twice = someObject(network.fixture).shards.map((shard) => ({ ...shard, target: first!.peerId }));
    expect(await refusal(first!.peerId, { shards: twice })).toBe('target_unavailable');
    await first!.announce(1_500_000);
    expect(await refusal(first!.peerId, {}, 1_600_000)).toBe('target_unavailable');
    await first!.announce();
    expect(puts).toHaveLength(3);
    expect(await network.client.credit()).toEqual({
      ...before,
      available: before.available - 3_000,
      used: before.used + 3_000,
    });
    expect(before.available).toBeLessThan(OPENING_CREDIT);
  });

  it('is the one host that a get asks, if it holds a shard and is there', async () => {
    const { object, puts } = await network.store();
    const target = puts[1]!.permission.host.peerId;
    const ask = (more: object): ReturnType<typeof network.client.post<BeginGetAnswer>> =>
      network.client.post<BeginGetAnswer>('/v1/gets', { objects: [{ objectId: object.objectId, avoid: [], ...more }] });
    const { body } = await ask({ target });
    expect(body.objects[0]!.permissions.map(({ host }) => host.peerId)).toEqual([target]);
    expect((await ask({ target: network.client.peerId })).code).toBe('target_unavailable');
    expect((await ask({ target, avoid: [target] })).code).toBe('target_unavailable');
  });
});

// Every type of transaction from end to end (B11, B13, B14): asked of the broker, done by a real host, told by both ends.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerClient } from '#broker-api';
import { PeerLink } from '#peer-link';
import {
  type BeginPutAnswer,
  type ContentId,
  contentIdOf,
  formatTime,
  type GetPermission,
  type ObjectId,
  type ObjectToPut,
  type PeerId,
  type Report,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { shareWorld } from './shared-world.js';
import { refusalOf, type WorldClient } from './world.js';

const HOUR_MS = 3_600_000;
const SHARD_BYTES = 40_000;
/** Enough for two blocks of a shard, and not for all of it after them. */
const STREAM_BYTES = 2 * 16_384 + 30_000;
const world = shareWorld({ hosts: 3, policy: { universal: 'always' } });
let client: WorldClient;
let link: PeerLink;
beforeAll(async () => {
  client = await world().addClient();
  link = new PeerLink({ home: client.home, clock: world().clock, log: world().log });
});
afterAll(() => link.close());

interface Wanted {
  readonly object: ObjectToPut;
  readonly bytes: readonly Buffer[];
}

/** An object of three shards, of the code that three hosts allow. */
function wanted(changes: Partial<ObjectToPut> = {}): Wanted {
  const bytes = Array.from({ length: 3 }, () => randomBytes(SHARD_BYTES));
  const shards = bytes.map((shard, index) => ({ index, cid: contentIdOf(shard), sizeBytes: SHARD_BYTES }));
  const objectId = uuidV7<ObjectId>(world().clock.nowMs(), randomBytes(10));
  const code = { kind: 'data' as const, sizeBytes: 2 * SHARD_BYTES, dataShards: 2, totalShards: 3 };
  return { object: { objectId, ...code, shards, avoid: [], ...changes }, bytes };
}

const ask = <T>(run: (broker: BrokerClient) => Promise<T>): Promise<T> => world().askBroker(client, run);
const done = (transactionId: TransactionId, receipt: string): Report => ({ outcome: 'done', transactionId, receipt });

/** Both ends tell the broker, which takes all of it. */
async function settle(reports: Report[]): Promise<void> {
  await world().settle();
  const { results } = await ask((broker) => broker.sendReports({ reports }));
  expect(results).toEqual(reports.map(() => 'recorded'));
}

/** Put objects by one token per host; returns the answer that allowed it. */
async function putByBatches(all: readonly Wanted[]): Promise<BeginPutAnswer> {
  const answer = await ask((broker) => broker.beginPut({ objects: all.map(({ object }) => object), batch: true }));
  const reports = await Promise.all(
    answer.batches!.map(async ({ host, token, transactionId, items }) => {
      const shards = items.map(({ objectId, index }) => {
        const { object, bytes } = all.find((one) => one.object.objectId === objectId)!;
        const { cid, sizeBytes } = object.shards[index]!;
        return { cid, sizeBytes, bytes: bytes[index]! };
      });
      const tokenItems = shards.map(({ cid, sizeBytes }) => ({ cid, sizeBytes }));
      const bytesOf = (i: number): Buffer => shards[i]!.bytes;
      const { receipt, results } = await link.putBatch({ host, token, transactionId, items: tokenItems, bytesOf });
      expect(results).toEqual(items.map(() => 'stored'));
      return done(transactionId, receipt);
    }),
  );
  await settle(reports);
  return answer;
}

const isSafe = async (objectId: ObjectId): Promise<boolean> =>
  (await ask((broker) => broker.listObjects())).objects.some((object) => object.objectId === objectId);
async function permissionsOf(objectId: ObjectId, target?: PeerId): Promise<GetPermission[]> {
  const named = target === undefined ? {} : { target };
  const answer = await ask((broker) => broker.beginGet({ objects: [{ objectId, avoid: [], ...named }] }));
  return answer.objects[0]!.permissions;
}
const isHeld = async (peerId: PeerId, cid: ContentId): Promise<boolean> =>
  (await world().hostOf(peerId).rows('SELECT 1 FROM shard WHERE cid = $1', [cid])).length > 0;

describe('operations', () => {
  it('put and get many shards by one token per host', async () => {
    const all = [wanted(), wanted(), wanted()];
    const before = await world().creditOf(client);
    const { batches } = await putByBatches(all);
    expect(batches!.map(({ items }) => items.length)).toEqual([3, 3, 3]);
    const after = await world().creditOf(client);
    expect([before.available - after.available, after.reserved]).toEqual([BigInt(9 * SHARD_BYTES), before.reserved]);
    for (const { object } of all) expect(await isSafe(object.objectId)).toBe(true);

    const objects = all.map(({ object }) => ({ objectId: object.objectId, avoid: [] }));
    const answer = await ask((broker) => broker.beginGet({ objects, batch: true }));
    const reports: Report[] = [];
    for (const { host, token, transactionId, items } of answer.batches!) {
      const came: Buffer[] = [];
      const tokenItems = items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes }));
      const onItem = (i: number, bytes: Buffer): void => {
        came[i] = Buffer.from(bytes);
      };
      const { receipt, results } = await link.getBatch({ host, token, transactionId, items: tokenItems, onItem });
      expect(results).toEqual(items.map(() => 'served'));
      for (const [i, { objectId, index }] of items.entries()) {
        expect(came[i]!.equals(all.find(({ object }) => object.objectId === objectId)!.bytes[index]!)).toBe(true);
      }
      reports.push(done(transactionId, receipt!));
    }
    await settle(reports);
  });

  it('put a shard on the host that the client names, and get it from there', async () => {
    const [first] = world().hosts;
    const { object, bytes } = wanted();
    const shards = object.shards.map((shard) => (shard.index === 1 ? { ...shard, target: first!.peerId } : shard));
    const { objects } = await ask((broker) => broker.beginPut({ objects: [{ ...object, shards }] }));
    const reports = await Promise.all(
      objects[0]!.permissions.map(async ({ index, host, token, transactionId }) => {
        const { receipt } = await link.putShard({
          host,
          token,
          transactionId,
          cid: shards[index]!.cid,
          bytes: bytes[index]!,
        });
        return done(transactionId, receipt);
      }),
    );
    await settle(reports);
    expect(await isHeld(first!.peerId, shards[1]!.cid)).toBe(true);
    const [permission, ...others] = await permissionsOf(object.objectId, first!.peerId);
    expect(others).toEqual([]);
    const got = await link.getShard(permission!);
    expect(got.bytes.equals(bytes[1]!)).toBe(true);
    const self = { ...object, objectId: uuidV7<ObjectId>(world().clock.nowMs(), randomBytes(10)) };
    const own = self.shards.map((shard) => ({ ...shard, target: client.peerId }));
    expect(await refusalOf(ask((broker) => broker.beginPut({ objects: [{ ...self, shards: own }] })))).toBe(
      'target_unavailable',
    );
  });

  it('stream ranges of a shard under one token, until its bytes are spent', async () => {
    const { object, bytes } = wanted();
    await putByBatches([{ object, bytes }]);
    const { permissions } = await ask((broker) =>
      broker.beginStream({ objectId: object.objectId, maxBytes: STREAM_BYTES, avoid: [] }),
    );
    const [permission] = permissions;
    const { index, transactionId } = permission!;
    const reports: Report[] = [];
    for (const [start, end] of [
      [0, 10],
      [20_000, 30_000],
    ] as const) {
      const got = await link.getRange({ ...permission!, start, end });
      expect(got.bytes.equals(bytes[index]!.subarray(start, end))).toBe(true);
      reports.push(done(transactionId, got.receipt!));
    }
    expect(await refusalOf(link.getRange({ ...permission!, start: 0, end: SHARD_BYTES }))).toBe('token_budget_spent');
    await settle(reports);
    const [row] = await world().brokerRows<{ uses: number; moved_bytes: number }>(
      'SELECT uses, moved_bytes FROM transactions WHERE id = $1',
      [transactionId],
    );
    expect(row!.uses).toBe(2);
    expect(row!.moved_bytes).toBeGreaterThanOrEqual(10_010);
    expect(row!.moved_bytes).toBeLessThanOrEqual(STREAM_BYTES);
  });

  it('delete objects at their hosts, but not while they are retained', async () => {
    const retainUntil = formatTime(world().clock.nowMs() + HOUR_MS);
    const [gone, kept] = [wanted(), wanted({ retainUntil })];
    await putByBatches([gone, kept]);
    const objectIds = [gone.object.objectId, kept.object.objectId];
    const { batches, retained, offline } = await ask((broker) => broker.beginDelete({ objectIds }));
    expect([batches.length, retained.length, offline]).toEqual([3, 3, []]);
    expect([await isSafe(gone.object.objectId), await isSafe(kept.object.objectId)]).toEqual([false, true]);
    const reports: Report[] = [];
    for (const { host, token, transactionId, items } of batches) {
      const tokenItems = items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes }));
      const { receipt, results } = await link.deleteBatch({ host, token, transactionId, items: tokenItems });
      expect(results).toEqual(['deleted']);
      expect(await isHeld(host.peerId, items[0]!.cid)).toBe(false);
      reports.push(done(transactionId, receipt));
    }
    await settle(reports);
    const left = await world().brokerRows<{ object_id: string }>(
      'SELECT DISTINCT object_id FROM shards WHERE object_id IN ($1, $2)',
      objectIds,
    );
    expect(left).toEqual([{ object_id: kept.object.objectId }]);

    // By its own request; a little later, for hosts know the broker's time to the second only.
    await world().pass(HOUR_MS + 10_000);
    const again = await ask((broker) => broker.beginDelete({ objectIds }));
    for (const { host, token, transactionId, items } of again.batches) {
      const { cid, sizeBytes } = items[0]!;
      const { receipt } = await link.deleteShard({ host, token, transactionId, cid, sizeBytes });
      await settle([done(transactionId, receipt)]);
    }
    expect(await world().brokerRows('SELECT 1 FROM objects WHERE id = $1', [kept.object.objectId])).toEqual([]);
  });

  it('put, get and stream under universal tokens, and pay what was put', async () => {
    const before = await world().creditOf(client);
    const { object, bytes } = wanted();
    const maxBytes = 6 * SHARD_BYTES;
    const { permissions } = await ask((broker) => broker.beginUniversal({ hosts: 3, maxBytes, uses: 10, avoid: [] }));
    const { objectId, kind, sizeBytes, dataShards, totalShards, shards } = object;
    const reports: Report[] = [];
    for (const [index, { host, token, transactionId }] of permissions.entries()) {
      const { cid } = shards[index]!;
      const put = await link.putShard({ host, token, transactionId, cid, bytes: bytes[index]! });
      reports.push({
        ...done(transactionId, put.receipt),
        object: { objectId, kind, sizeBytes, dataShards, totalShards, index },
      } as Report);
      const got = await link.getShard({ host, token, transactionId, cid, sizeBytes: SHARD_BYTES });
      expect(got.bytes.equals(bytes[index]!)).toBe(true);
      reports.push(done(transactionId, got.receipt!));
      const part = await link.getRange({ host, token, transactionId, cid, sizeBytes: SHARD_BYTES, start: 5, end: 50 });
      expect(part.bytes.equals(bytes[index]!.subarray(5, 50))).toBe(true);
      reports.push(done(transactionId, part.receipt!));
    }
    await settle(reports);
    expect(await isSafe(objectId)).toBe(true);
    expect(await permissionsOf(objectId)).toHaveLength(3);
    const during = await world().creditOf(client);
    expect(during.reserved - before.reserved).toBe(BigInt(3 * (maxBytes - SHARD_BYTES)));
    await world().pass(2 * HOUR_MS);
    await world().broker.endExpiredNow();
    const after = await world().creditOf(client);
    expect(before.available - after.available).toBe(BigInt(3 * SHARD_BYTES));
    expect(after.reserved).toBe(before.reserved);
  });

  it('put, get and delete at every member of a group by one transaction', async () => {
    const { groupId } = await ask((broker) => broker.groups.create({ name: 'family' }));
    const members = world().hosts.slice(0, 2);
    for (const { home, peerId } of members) {
      await world().askBroker({ home }, (broker) => broker.groups.apply(groupId));
      await ask((broker) => broker.groups.decide(groupId, { peerId, accept: true }));
    }
    const bytes = [randomBytes(SHARD_BYTES), randomBytes(1_000)];
    const items = bytes.map((content) => ({ cid: contentIdOf(content), sizeBytes: content.length }));
    const put = await ask((broker) => broker.groups.begin({ groupId, op: 'put', items }));
    expect(put.permissions).toHaveLength(2);
    const { transactionId } = put;
    const reports: Report[] = [];
    for (const { host, token } of put.permissions) {
      const bytesOf = (i: number): Buffer => bytes[i]!;
      reports.push(done(transactionId, (await link.putBatch({ host, token, transactionId, items, bytesOf })).receipt));
    }
    await settle(reports);

    const get = await ask((broker) => broker.groups.begin({ groupId, op: 'get', items: [items[0]!] }));
    for (const { host, token } of get.permissions) {
      const got = await link.getShard({ host, token, transactionId: get.transactionId, ...items[0]! });
      expect(got.bytes.equals(bytes[0]!)).toBe(true);
    }
    const deletion = await ask((broker) => broker.groups.begin({ groupId, op: 'delete', items }));
    const deleted: Report[] = [];
    for (const { host, token } of deletion.permissions) {
      const batch = { host, token, transactionId: deletion.transactionId, items };
      deleted.push(done(deletion.transactionId, (await link.deleteBatch(batch)).receipt));
      for (const { cid } of items) expect(await isHeld(host.peerId, cid)).toBe(false);
    }
    await settle(deleted);
    expect(await refusalOf(ask((broker) => broker.groups.begin({ groupId, op: 'get', items })))).toBe(
      'group_content_unknown',
    );
    const { groups } = await ask((broker) => broker.groups.list());
    expect(groups.find((group) => group.groupId === groupId)?.members).toHaveLength(3);
    await world().askBroker(members[0]!, (broker) => broker.groups.leave(groupId));
    expect(
      await refusalOf(world().askBroker(members[0]!, (broker) => broker.groups.begin({ groupId, op: 'put', items }))),
    ).toBe('group_not_member');
  });
});

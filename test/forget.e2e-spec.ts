// Snapshots end: forgotten by a policy, under other tags, refused to a machine that only adds, kept while they are promised.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ForgetPolicy, ForgetSummary } from '#backup';
import type { ObjectId } from '#protocol';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import { refusalOf, type WorldClient } from './world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const world = shareWorld({ hosts: 4 });
const KEEP_LAST: ForgetPolicy = { keep: { last: 1 }, within: {}, tags: [] };
const EVERY = { hosts: [], tags: [], paths: [] };

async function forget(
  client: WorldClient,
  changes: Partial<Parameters<WorldClient['engine']['forget']>[0]> = {},
): Promise<ForgetSummary> {
  const request = { ids: [], filter: EVERY, groupBy: ['host', 'paths'] as const, policy: KEEP_LAST };
  return client.engine.forget({ ...request, dryRun: false, removeAll: false, ...client.running(), ...changes });
}
const idsOf = async (client: WorldClient): Promise<ObjectId[]> =>
  (await client.engine.snapshots(client.running())).map(({ id }) => id);
/** The shards of an object that hosts serve, and those in their trash. */
async function shardsOf(cids: readonly string[]): Promise<{ stored: number; trash: number }> {
  const count = { stored: 0, trash: 0 };
  for (const host of world().hosts) {
    if (!host.isRunning) continue;
    for (const cid of cids) {
      count.stored += (await host.rows('SELECT 1 FROM shard WHERE cid = $1', [cid])).length;
      count.trash += (await host.rows('SELECT 1 FROM trash WHERE cid = $1', [cid])).length;
    }
  }
  return count;
}
const cidsOf = async (objectId: ObjectId): Promise<string[]> =>
  (await world().brokerRows<{ cid: string }>('SELECT cid FROM shards WHERE object_id = $1', [objectId])).map(
    ({ cid }) => cid,
  );

let source: string;
let made = 0;
beforeAll(async () => {
  source = await world().writeFiles('source', { 'a.txt': 'hello', 'b.bin': randomBytes(300_000) });
});

/** A machine with so many snapshots of one folder, a minute apart. */
async function clientWith(snapshots: number, changes: { retain?: string } = {}): Promise<[WorldClient, ObjectId[]]> {
  const client = await world().addClient(`machine-${++made}`);
  const ids: ObjectId[] = [];
  for (let i = 0; i < snapshots; i++) ids.push(await backup(client, changes));
  return [client, ids];
}
async function backup(client: WorldClient, { retain }: { retain?: string } = {}): Promise<ObjectId> {
  await world().pass(MINUTE_MS);
  const kept = retain === undefined ? {} : { retain: { years: 0, months: 0, days: 0, hours: Number(retain) } };
  const { snapshotId } = await client.engine.backup({ paths: [source], ...kept, ...client.running() });
  await world().settle();
  return snapshotId!;
}

describe('forget', () => {
  it('removes what the policy does not keep, from the hosts too, and the rest restores', async () => {
    const [client, [first, second, third]] = await clientWith(3);
    const cids = await cidsOf(first!);
    expect(await shardsOf(cids)).toEqual({ stored: cids.length, trash: 0 });

    const planned = await forget(client, { dryRun: true });
    expect(planned.removed.toSorted()).toEqual([first, second].toSorted());
    expect(await idsOf(client)).toEqual([first, second, third]);

    const summary = await forget(client);
    expect(summary.removed.toSorted()).toEqual([first, second].toSorted());
    expect(summary.groups[0]!.keep.map(({ reasons }) => reasons)).toEqual([['last snapshot']]);
    expect(await idsOf(client)).toEqual([third]);
    await world().settle();
    expect(await shardsOf(cids)).toEqual({ stored: 0, trash: cids.length });
    expect(await world().brokerRows('SELECT 1 FROM objects WHERE deleted_at_ms IS NOT NULL')).toEqual([]);

    await client.restore(world().path('restored'));
    expect(await compareTrees(source, world().path('restored'), [])).toMatchObject({ differences: [] });
  });

  it('removes snapshots by parts of their ids, and leaves no group without one unless it is told to', async () => {
    const [client, [first, second]] = await clientWith(2);
    expect((await forget(client, { ids: [first!.slice(-8)] })).removed).toEqual([first]);
    const tagged = { keep: {}, within: {}, tags: [['none']] };
    expect(await refusalOf(forget(client, { policy: tagged }))).toBe('forget_keeps_nothing');
    expect(await idsOf(client)).toEqual([second]);
    expect((await forget(client, { policy: tagged, removeAll: true })).removed).toEqual([second]);
    expect(await idsOf(client)).toEqual([]);
  });

  it('is completed later where a host was away', async () => {
    const [client, [first]] = await clientWith(2);
    const cids = await cidsOf(first!);
    const [host] = world().hosts;
    await host!.stop();
    await world().pass(HOUR_MS);
    expect((await forget(client)).removed).toEqual([first]);
    expect(await idsOf(client)).not.toContain(first);
    await host!.start();
    await world().pass(1_000);
    // It deletes nothing of its own, and completes what was left.
    await forget(client, { ids: [await backup(client)] });
    await world().settle();
    expect((await shardsOf(cids)).stored).toBe(0);
    expect(await world().brokerRows('SELECT 1 FROM objects WHERE id = $1', [first!])).toEqual([]);
  });
});

describe('tag', () => {
  it('stores a snapshot with other tags, removes the old one, and changes nothing of its place in time', async () => {
    const [client, [first, second]] = await clientWith(2);
    const change = { set: null, add: ['monthly', 'kept'], remove: [], filter: EVERY };
    const { changed } = await client.engine.tag({ ids: [first!], ...change, ...client.running() });
    expect(changed).toEqual([{ oldId: first, newId: expect.any(String) }]);
    const list = await client.engine.snapshots(client.running());
    expect(list.map(({ id, snapshot }) => [id, snapshot.tags, snapshot.original])).toEqual([
      [changed[0]!.newId, ['monthly', 'kept'], first],
      [second, [], undefined],
    ]);
    // `latest` goes by the time of the backup: the id of the new one is younger.
    const restored = await client.engine.restore({
      snapshot: 'latest',
      target: world().path('by-tag'),
      includes: [],
      ...client.running(),
    });
    expect(restored.snapshotId).toBe(second);
    // The same again has nothing to change.
    expect((await client.engine.tag({ ids: [], ...change, ...client.running() })).changed).toHaveLength(1);
    expect((await client.engine.tag({ ids: [], ...change, ...client.running() })).changed).toEqual([]);
  });
});

describe('a machine that only adds', () => {
  it('is refused every deletion, and its history restores', async () => {
    const [client, [first, second]] = await clientWith(2);
    const other = await world().recoverClient(await client.phrase());
    const set = await world().askBroker(other, (broker) => broker.setAppendOnly(client.peerId));
    expect(set.appendOnly).toBe(true);

    expect(await refusalOf(forget(client))).toBe('peer_append_only');
    const change = { set: ['gone'], add: [], remove: [], ids: [], filter: EVERY };
    expect(await refusalOf(client.engine.tag({ ...change, ...client.running() }))).toBe('peer_append_only');
    const objectIds = [first!, second!];
    expect(await refusalOf(world().askBroker(client, (broker) => broker.beginDelete({ objectIds })))).toBe(
      'peer_append_only',
    );
    expect(await idsOf(client)).toEqual([first, second]);
    const third = await backup(client);
    await client.restore(world().path('history'), first!);
    expect(await compareTrees(source, world().path('history'), [])).toMatchObject({ differences: [] });

    // Whoever stole it has the phrase's key, too: what it lets in deletes as little.
    const thief = await world().recoverClient(await client.phrase());
    expect(await refusalOf(forget(thief))).toBe('peer_append_only');
    const listed = await world().askBroker(other, (broker) => broker.listPeers());
    expect(listed.map(({ peerId, appendOnly }) => [peerId, appendOnly])).toEqual([
      [client.peerId, true],
      [other.peerId, false],
      [thief.peerId, true],
    ]);
    // The machine that was there before is free to.
    expect((await forget(other)).removed.toSorted()).toEqual([first, second].toSorted());
    expect(await idsOf(client)).toEqual([third]);
  });
});

describe('a retained backup', () => {
  let clients: readonly WorldClient[];
  let plain: ObjectId;
  // Machines that enrol after so much time would have certificates of the future.
  beforeAll(async () => {
    const [first, ids] = await clientWith(1);
    const [second] = await clientWith(1);
    clients = [first, second];
    plain = ids[0]!;
  });

  it('survives forget and prune until its time, and restores', async () => {
    const client = clients[0]!;
    const kept = await backup(client, { retain: '48' });
    const last = await backup(client);
    const summary = await forget(client);
    expect(summary.removed).toEqual([plain]);
    expect(summary.retained.map(({ objectId }) => objectId)).toEqual([kept]);
    for (let i = 0; i < 2; i++) {
      const rules = { graceMs: HOUR_MS, minAgeMs: HOUR_MS, maxUnused: { bytes: 0 }, repackBytesMax: null };
      await client.engine.prune({ ...rules, smallBytesMax: null, dryRun: false, ...client.running() });
      await world().settle();
      await world().pass(2 * HOUR_MS);
    }
    expect(await idsOf(client)).toEqual([kept, last]);
    // A thief who goes past the command and asks the broker for everything.
    const all = await world().askBroker(client, (broker) => broker.listObjects({ limit: 1_000 }));
    const objectIds = all.objects.map(({ objectId }) => objectId);
    await world().askBroker(client, (broker) => broker.beginDelete({ objectIds }));
    expect(await idsOf(client)).toEqual([kept]);
    await client.restore(world().path('retained'), kept);
    expect(await compareTrees(source, world().path('retained'), [])).toMatchObject({ differences: [] });
    expect(last).not.toBe(kept);

    await world().pass(97 * HOUR_MS);
    expect((await forget(client, { ids: [kept] })).removed).toEqual([kept]);
    expect(await idsOf(client)).toEqual([]);
  });

  it('relies on nothing that may be deleted earlier, and on what is kept long enough', async () => {
    const client = clients[1]!;
    const run = async (hours: number): Promise<number> => {
      await world().pass(MINUTE_MS);
      const retain = { years: 0, months: 0, days: 0, hours };
      const { newBytes } = await client.engine.backup({ paths: [source], retain, ...client.running() });
      await world().settle();
      return newBytes;
    };
    const whole = await run(48);
    expect(whole).toBeGreaterThan(300_000);
    // Kept for 96 hours, so a backup of the next 48 relies on it; one that wants more does not.
    expect(await run(48)).toBeLessThan(10_000);
    expect(await run(96)).toBeGreaterThan(300_000);
    await world().pass(49 * HOUR_MS);
    expect(await run(96)).toBeLessThan(10_000);
  });
});

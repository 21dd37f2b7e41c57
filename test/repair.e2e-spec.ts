// What hosts lose is mended: lost shards go to other hosts, and what nobody has any more is stored again from local files.
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CheckSummary, RepairSummary, RepairWish } from '#backup';
import type { ContentId, ObjectId, PeerId } from '#protocol';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient } from './world.js';

const world = shareWorld({ hosts: 9 });
const TOTAL_SHARDS = 6;
let client: WorldClient;
let source: string;
let runs = 0;

beforeEach(async () => {
  runs++;
  client = await world().addClient();
  source = await world().writeFiles(`source-${runs}`, { 'a/data.bin': randomBytes(300_000), 'b.txt': 'text' });
  await client.backup(source);
  await world().settle();
});

const check = (readData = true): Promise<CheckSummary> => client.engine.check({ readData, ...client.running() });
const WISH: RepairWish = { readData: true, ignoreAway: false, from: [], dryRun: false };
const repair = (changes: Partial<RepairWish> = {}): Promise<RepairSummary> =>
  client.engine.repair({ ...WISH, ...changes, ...client.running() });

interface Place {
  readonly object_id: ObjectId;
  readonly cid: ContentId;
  readonly host_id: PeerId;
}

/** Where the shards of this client's objects of a kind lie. */
async function placesOf(kind: string): Promise<Place[]> {
  const account = await world().brokerRows<{ account_id: string }>('SELECT account_id FROM peers WHERE id = $1', [
    client.peerId,
  ]);
  return world().brokerRows<Place>(
    `SELECT object_id, cid, host_id FROM shards JOIN objects ON objects.id = shards.object_id
     WHERE objects.account_id = $1 AND objects.kind LIKE $2 ORDER BY object_id, shard_index`,
    [account[0]!.account_id, kind],
  );
}

async function listedIds(): Promise<ObjectId[]> {
  const rows = await world().brokerRows<{ id: ObjectId }>('SELECT id FROM objects WHERE deleted_at_ms IS NULL', []);
  return rows.map(({ id }) => id);
}

async function damage(places: readonly Place[]): Promise<void> {
  for (const { cid, host_id } of places) await world().hostOf(host_id).damage(cid);
}

/** A new machine that knows the phrase alone gets every byte back. */
async function expectWhole(): Promise<void> {
  const machine = await world().recoverClient(await client.phrase());
  const target = world().path(`restored-${runs}-${randomBytes(4).toString('hex')}`);
  expect(await machine.restore(target)).toMatchObject({ failed: 0 });
  expect((await compareTrees(source, target, [])).differences).toEqual([]);
}

describe('repair', () => {
  it('gives lost and damaged shards other hosts, and then everything is whole without the old ones', async () => {
    const all = await placesOf('%');
    const [away] = all.map(({ host_id }) => host_id);
    const firstOfEach = all.filter(({ host_id }, i) => i % TOTAL_SHARDS === 2 && host_id !== away);
    await damage(firstOfEach);
    await world().hostOf(away!).stop();
    const before = await check();
    expect(before).toMatchObject({ ok: true, concernedFiles: 0 });
    expect(before.shardFaults).toMatchObject({ damaged: firstOfEach.length, missing: 0, unplaced: 0 });
    expect(before.faultyHosts).toContainEqual({ peerId: away, state: 'away', shards: before.shardFaults.away });

    const lacking = before.shardFaults.damaged + before.shardFaults.away;
    expect(await repair({ dryRun: true })).toMatchObject({ ok: true, mendedShards: lacking, storedBytes: 0 });
    expect((await check()).shardFaults).toEqual(before.shardFaults);
    expect(await repair({ ignoreAway: true })).toMatchObject({ ok: true, mendedShards: firstOfEach.length });
    expect((await check()).shardFaults).toEqual({ ...before.shardFaults, damaged: 0 });
    expect(await repair({ readData: false })).toMatchObject({ ok: true, mendedShards: before.shardFaults.away });
    expect(await check()).toMatchObject({ ok: true, underReplicated: 0, faults: [] });
    const now = await placesOf('%');
    expect(now.map(({ host_id }) => host_id)).not.toContain(away);
    await expectWhole();
    await world().hostOf(away!).start();
  });

  it('names the files of an object that is lost, and gets its chunks from where they still are', async () => {
    const data = await placesOf('data');
    await damage(data.slice(0, 3));
    const damaged = await check();
    expect(damaged).toMatchObject({ ok: false, concernedFiles: 2, unavailableObjects: [data[0]!.object_id] });
    expect(damaged.concerned.map(({ path }) => path).sort()).toEqual(['a/data.bin', 'b.txt']);
    expect(
      damaged.faults
        .filter(({ state }) => state === 'damaged')
        .map(({ peerId }) => peerId)
        .sort(),
    ).toEqual(
      data
        .slice(0, 3)
        .map(({ host_id }) => host_id)
        .sort(),
    );
    expect(await repair()).toMatchObject({ ok: false, lostObjects: [data[0]!.object_id], concernedFiles: 2 });

    // One file is there, the other has changed since.
    const folder = await world().writeFiles(`elsewhere-${runs}`, { 'moved.txt': 'text', 'other.bin': 'changed' });
    const dry = await repair({ from: [folder], dryRun: true });
    expect(dry).toMatchObject({ recoveredChunks: 1, ok: false });
    const part = await repair({ from: [folder] });
    expect(part).toMatchObject({ recoveredChunks: 1, ok: false });
    expect(part.lostChunks).toBeGreaterThan(1);
    expect(part.concerned.map(({ path }) => path)).toEqual(['a/data.bin']);
    // The lost object is older and in every index; a machine that learns them from the beginning passes it by all the same.
    const fresh = await world().recoverClient(await client.phrase());
    expect(await fresh.restore(world().path(`part-${runs}`))).toMatchObject({ failed: 1 });

    const all = await repair({ from: [source] });
    expect(all).toMatchObject({ ok: false, lostChunks: part.lostChunks - 1, concernedFiles: 0 });
    expect(all.lostObjects).toEqual([data[0]!.object_id]);
    expect(await check()).toMatchObject({ missingChunks: 0, concernedFiles: 0 });
    const prune = {
      graceMs: 0,
      minAgeMs: 0,
      maxUnused: 'unlimited',
      repackBytesMax: null,
      smallBytesMax: null,
    } as const;
    const pruned = await client.engine.prune({ ...prune, dryRun: false, ...client.running() });
    expect(pruned).toMatchObject({ marked: { objects: 0 }, waiting: { objects: 1 }, complete: true });
    await expectWhole();
  });

  it('deletes nothing whose hosts are merely away, nor what it knows nothing of', async () => {
    const data = await placesOf('data');
    const [own] = await placesOf('snapshot');
    const other = await world().recoverClient(await client.phrase());
    const ofOther = await world().writeFiles(`other-${runs}`, { 'other.bin': randomBytes(300_000) });
    await other.backup(ofOther);
    await world().settle();
    const stored = await listedIds();
    // Without these the other machine's snapshot cannot be had.
    const ofOthers = (await placesOf('snapshot')).filter(({ object_id }) => object_id !== own!.object_id);
    const away = ofOthers.slice(0, 3).map(({ host_id }) => host_id);
    for (const host of away) await world().hostOf(host).stop();
    await damage(data.filter(({ host_id }) => !away.includes(host_id)).slice(0, 3));

    const summary = await repair({ ignoreAway: true, from: [source] });
    expect(summary).toMatchObject({ ok: false });
    expect(summary.recoveredChunks).toBe(summary.lostChunks);
    expect(summary.lostObjects).toContain(data[0]!.object_id);
    for (const host of away) await world().hostOf(host).start();
    expect(await listedIds()).toEqual(expect.arrayContaining(stored));
    const snapshots = await client.engine.snapshots(client.running());
    expect(snapshots).toHaveLength(2);
    const fresh = await world().recoverClient(await client.phrase());
    for (const { id } of snapshots) {
      expect(await fresh.restore(world().path(`away-${runs}-${id}`), id)).toMatchObject({ failed: 0 });
    }
    await world().settle();
  });

  it('leaves shards where they are on a machine that only adds, and says so', async () => {
    const other = await world().recoverClient(await client.phrase());
    await world().askBroker(other, (broker) => broker.setAppendOnly(client.peerId));
    const places = await placesOf('data');
    await damage(places.slice(0, 1));
    expect(await repair()).toMatchObject({ ok: false, mendedShards: 0, leftShards: 1, lostObjects: [] });
    expect(await placesOf('data')).toEqual(places);
    expect(await other.engine.repair({ ...WISH, ...other.running() })).toMatchObject({ ok: true, mendedShards: 1 });
  });

  it('brings folders and snapshots back from what this machine keeps of them', async () => {
    const [trees, snapshots] = [await placesOf('tree'), await placesOf('snapshot')];
    await damage([...trees.slice(0, 3), ...snapshots.slice(1, 4)]);
    expect((await check()).ok).toBe(false);
    expect(await repair()).toMatchObject({ ok: true, mendedObjects: 2, mendedShards: 6 });
    expect(await check()).toMatchObject({ ok: true, underReplicated: 0 });
    await rm(join(client.home.path, 'client', 'cache'), { recursive: true });
    await expectWhole();
  });

  it('tells an object that finds too few hosts, and goes on with it the next time', async () => {
    const places = await placesOf('data');
    const holders = new Set(places.map(({ host_id }) => host_id));
    const others = world().hosts.filter(({ peerId }) => !holders.has(peerId));
    for (const host of others) await host.stop();
    await damage(places.slice(0, 1));
    expect(await repair()).toMatchObject({ ok: false, leftShards: expect.any(Number), lostObjects: [] });
    for (const host of others) await host.start();
    expect(await repair()).toMatchObject({ ok: true });
    expect(await check()).toMatchObject({ ok: true, underReplicated: 0 });
    await writeFile(join(source, 'later.txt'), 'later');
    await client.backup(source);
    await expectWhole();
  });
});

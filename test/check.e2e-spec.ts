// `check` tells the truth: about whole backups, hosts that are away, rotten shards, and an index that is lost.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ContentId } from '#protocol';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import { refusalOf, type WorldClient } from './world.js';

const world = shareWorld({ hosts: 6 });
let client: WorldClient;
let source: string;

beforeAll(async () => {
  client = await world().addClient();
  source = await world().writeFiles('source', { 'a/data.bin': randomBytes(300_000), 'b.txt': 'text' });
  await client.backup(source);
  await world().settle();
});

const check = (readData: boolean) => client.engine.check({ readData, ...client.running() });

describe('check', () => {
  it('finds nothing wrong with a whole backup, with and without reading it', async () => {
    for (const readData of [false, true]) {
      expect(await check(readData)).toMatchObject({
        snapshots: 1,
        underReplicated: 0,
        unavailableObjects: [],
        missingChunks: 0,
        damagedObjects: [],
        badHosts: [],
        ok: true,
      });
    }
  });

  it('names the host of a rotten shard, which the others make up for', async () => {
    const [rotten] = await world().brokerRows<{ cid: ContentId; host_id: string }>(
      `SELECT cid, host_id FROM shards JOIN objects ON objects.id = shards.object_id
       WHERE objects.kind = 'data' AND shards.shard_index = 0`,
    );
    const host = world().hosts.find(({ peerId }) => peerId === rotten!.host_id)!;
    await host.damage(rotten!.cid);
    expect(await check(true)).toMatchObject({ ok: true, badHosts: [{ peerId: host.peerId, code: 'shard_corrupt' }] });
    await host.damage(rotten!.cid);
    expect(await check(true)).toMatchObject({ ok: true, badHosts: [] });
  });

  it('counts objects with hosts away, and fails when too few are left', async () => {
    const [first, second, third] = world().hosts;
    await first!.stop();
    await second!.stop();
    expect(await check(false)).toMatchObject({ ok: true, unavailableObjects: [], underReplicated: 4 });
    await third!.stop();
    const summary = await check(false).catch((error: unknown) => error);
    // The snapshot itself is out of reach as well.
    expect(summary).toMatchObject({ ok: false });
    for (const host of [first, second, third]) await host!.start();
    expect(await check(false)).toMatchObject({ ok: true, underReplicated: 0 });
  });
});

describe('a machine that lost its cache while an index cannot be read', () => {
  it('opens the objects themselves, restores, and publishes a new index (B21)', async () => {
    const [index] = await world().brokerRows<{ id: string }>(`SELECT id FROM objects WHERE kind = 'index'`);
    const shards = await world().brokerRows<{ cid: ContentId; host_id: string }>(
      'SELECT cid, host_id FROM shards WHERE object_id = $1',
      [index!.id],
    );
    for (const { cid, host_id } of shards)
      await world()
        .hosts.find(({ peerId }) => peerId === host_id)!
        .damage(cid);
    await client.close();
    await rm(join(client.home.path, 'client', 'cache'), { recursive: true });
    await client.open();

    const target = world().path('without-index');
    expect(await client.restore(target)).toMatchObject({ failed: 0, files: 2 });
    expect(await compareTrees(source, target, [])).toMatchObject({ differences: [] });
    expect(client.events).toContainEqual(expect.objectContaining({ kind: 'warning', code: 'object_unavailable' }));

    await client.backup(source);
    expect(await world().brokerRows(`SELECT id FROM objects WHERE kind = 'index'`)).toHaveLength(2);
  });

  it('refuses an --include that matches nothing', async () => {
    const restore = client.restore(world().path('nothing'), 'latest', ['*.nowhere']);
    expect(await refusalOf(restore)).toBe('path_missing');
  });
});

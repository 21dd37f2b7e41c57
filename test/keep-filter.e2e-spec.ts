// Garbage goes by a keep-filter (B18): what a host has and the broker does not know goes to the host's trash, and a broker that
// forgot makes nobody throw away what is wanted.
import { randomBytes } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ContentId, contentIdOf } from '#protocol';
import { KEEP_FIRST_MS, KEEP_INTERVAL_MS, KEEP_MARGIN_MS, UNWANTED_SHARDS_MIN } from '../apps/peer-agent/src/limits.js';
import { trashedPath } from '../apps/peer-agent/src/shards/shard-path.js';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient, WorldHost } from './world.js';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS = 12 * HOUR_MS;
const world = shareWorld({
  hosts: 7,
  behindMs: 5.5 * DAY_MS,
  policy: { audits: { on: false }, repair: { on: false } },
});
let client: WorldClient;
let source: string;
/** A host whose shards were put elsewhere while it was away. */
let returned: WorldHost;

interface KeepRow {
  readonly code: string | null;
  readonly last_shards: number;
  readonly held_shards: number;
}
const keepStateOf = async (host: WorldHost): Promise<KeepRow> =>
  (await host.rows<KeepRow>('SELECT code, last_shards, held_shards FROM keep_filter_state'))[0]!;
const cidsOf = async (host: WorldHost, table: 'shard' | 'trash'): Promise<ContentId[]> =>
  (await host.rows<{ cid: ContentId }>(`SELECT cid FROM ${table} ORDER BY cid`)).map(({ cid }) => cid);
const wantedOf = async (host: WorldHost): Promise<ContentId[]> => {
  const rows = await world().brokerRows<{ cid: ContentId }>('SELECT cid FROM shards WHERE host_id = $1', [host.peerId]);
  return rows.map(({ cid }) => cid);
};
const database = (): string => join(world().dataDir, 'broker.db');

/** Hosts go on saying that they are there. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) await world().pass(Math.min(STEP_MS, ms - passed));
}

async function reconcileAll(): Promise<void> {
  for (const host of world().hosts) await host.agent.triggers.keepFilter();
}

/** The broker stops; its database is kept under a name, another one put in its place, and it goes on. */
async function restart({ keep, use }: { keep: string; use?: string }): Promise<void> {
  // Whoever reads beside it would keep a part of it out of its file.
  await world().databases.close();
  await world().broker.stop();
  await copyFile(database(), world().path(keep));
  if (use !== undefined) await copyFile(world().path(use), database());
  await world().startBroker();
  for (const host of world().hosts) if (host.isRunning) await host.agent.triggers.presence();
}

beforeAll(async () => {
  client = await world().addClient();
  source = await world().writeFiles('source', { 'a.bin': randomBytes(200_000), 'b.txt': 'text' });
  await client.backup(source);
  await world().settle();
  returned = world().hosts.at(-1)!;
  for (const host of world().hosts) if ((await wantedOf(host)).length > 3) returned = host;
  await returned.stop();
  await client.engine.repair({ readData: false, ignoreAway: false, from: [], dryRun: false, ...client.running() });
  await returned.start();
  await world().settle();
  await restart({ keep: 'older.db' });
  for (let i = 0; i < 7; i++) {
    // Of two snapshots of one moment neither is the later one.
    world().clock.advance(1_000);
    await world().writeFiles('source', { [`more-${i}.bin`]: randomBytes(10_000) });
    await client.backup(source);
  }
  await world().settle();
}, 120_000);

describe('the keep-filter of a network (B18)', () => {
  it('a broker restored from an older copy of its database has nothing thrown away that it forgot', async () => {
    for (const host of world().hosts) await host.stop();
    world().clock.advance(KEEP_MARGIN_MS + HOUR_MS);
    await restart({ keep: 'newer.db', use: 'older.db' });
    for (const host of world().hosts) await host.start();
    await pass(KEEP_FIRST_MS + HOUR_MS);
    await reconcileAll();
    for (const host of world().hosts) {
      const { code, last_shards, held_shards } = await keepStateOf(host);
      expect({ code, last_shards }).toEqual({ code: 'keep_filter_held_back', last_shards: 0 });
      expect(held_shards).toBeGreaterThan(UNWANTED_SHARDS_MIN);
      expect(await cidsOf(host, 'trash')).toEqual([]);
    }
    await restart({ keep: 'forgotten.db', use: 'newer.db' });
  });

  it('what was put elsewhere goes to the trash of where it was, whole, and nothing else goes', async () => {
    const held = new Map<WorldHost, ContentId[]>();
    for (const host of world().hosts) held.set(host, await cidsOf(host, 'shard'));
    await pass(1.25 * KEEP_INTERVAL_MS);
    await reconcileAll();
    for (const host of world().hosts) {
      const wanted = await wantedOf(host);
      const garbage = held.get(host)!.filter((cid) => !wanted.includes(cid));
      expect(garbage.length > 0).toBe(host === returned);
      expect(await keepStateOf(host)).toMatchObject({ code: null });
      const trashed = await cidsOf(host, 'trash');
      // A few are mistaken for what is wanted, until the next day.
      expect(garbage).toEqual(expect.arrayContaining(trashed));
      expect(trashed.length).toBeGreaterThanOrEqual(garbage.length - 1);
      expect(await cidsOf(host, 'shard')).toEqual(expect.arrayContaining(wanted));
    }
    const rows = await returned.rows<{ cid: ContentId; deleted_ms: number; size_bytes: number }>('SELECT * FROM trash');
    for (const { cid, deleted_ms, size_bytes } of rows) {
      const file = await readFile(trashedPath(returned.shardFolder, cid, deleted_ms));
      expect(contentIdOf(file.subarray(0, size_bytes))).toBe(cid);
    }
  });

  it('a broker that forgot what it had said before is not believed either', async () => {
    await restart({ keep: 'newest.db', use: 'older.db' });
    const before = await Promise.all(world().hosts.map((host) => cidsOf(host, 'shard')));
    await pass(1.25 * KEEP_INTERVAL_MS);
    await reconcileAll();
    for (const host of world().hosts) expect(await keepStateOf(host)).toMatchObject({ code: 'keep_filter_older' });
    expect(await Promise.all(world().hosts.map((host) => cidsOf(host, 'shard')))).toEqual(before);
    await restart({ keep: 'forgotten.db', use: 'newest.db' });
  });

  it('and everything is restored as before', async () => {
    const machine = await world().recoverClient(await client.phrase());
    const target = world().path('restored');
    expect(await machine.restore(target)).toMatchObject({ failed: 0 });
    expect((await compareTrees(source, target, [])).differences).toEqual([]);
  });
});

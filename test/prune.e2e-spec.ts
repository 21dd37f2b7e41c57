// `prune` in the whole network: what nobody needs is deleted from its hosts, and two machines lose nothing by it.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PruneSummary } from '#backup';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient } from './world.js';

const HOUR_MS = 3_600_000;
const world = shareWorld({ hosts: 6 });

const wish = {
  graceMs: HOUR_MS,
  minAgeMs: HOUR_MS,
  maxUnused: { percent: 0 },
  repackBytesMax: null,
  smallBytesMax: null,
  dryRun: false,
} as const;

const prune = (client: WorldClient, more: Partial<typeof wish> | { dryRun: boolean } = {}): Promise<PruneSummary> =>
  client.engine.prune({ ...wish, ...more, ...client.running() });

async function objectsOf(kind: string): Promise<number> {
  const rows = await world().brokerRows<{ count: number }>(
    'SELECT COUNT(*) AS count FROM objects WHERE kind = $1 AND deleted_at_ms IS NULL',
    [kind],
  );
  return rows[0]!.count;
}

/** Shards that hosts have, as the broker knows from their receipts. */
async function shardsAtHosts(): Promise<number> {
  const rows = await world().brokerRows<{ count: number }>(
    "SELECT COUNT(*) AS count FROM shards WHERE state = 'stored'",
  );
  return rows[0]!.count;
}

describe('prune', () => {
  it('frees what only forgotten snapshots needed, beside a machine that backs up the same data', async () => {
    const laptop = await world().addClient('laptop');
    const desktop = await world().recoverClient(await laptop.phrase(), 'desktop');
    const shared = randomBytes(400_000);
    const old = await world().writeFiles('old', { 'shared.bin': shared, 'old.bin': randomBytes(300_000) });
    const kept = await world().writeFiles('kept', { 'shared.bin': shared, 'new.bin': randomBytes(200_000) });
    const forgotten = await laptop.backup(old);
    const present = await desktop.backup(kept);
    await world().settle();
    await laptop.engine.forget({
      ids: [forgotten.snapshotId!],
      filter: { hosts: [], tags: [], paths: [] },
      groupBy: [],
      policy: { keep: {}, within: {}, tags: [] },
      dryRun: false,
      removeAll: false,
      ...laptop.running(),
    });

    // Too young to be taken for left-overs.
    expect(await prune(laptop)).toMatchObject({ marked: { objects: 0 }, repacked: { objects: 0 } });
    await world().pass(2 * HOUR_MS);
    const before = { data: await objectsOf('data'), shards: await shardsAtHosts() };
    expect(await prune(laptop, { dryRun: true })).toMatchObject({ dryRun: true, marked: { objects: 2 } });
    expect(await objectsOf('notice')).toBe(0);

    // The object with the shared file also holds what nobody needs: it is copied without that.
    expect(await prune(laptop)).toMatchObject({
      marked: { objects: 2 },
      repacked: { objects: 1 },
      deleted: { objects: 0 },
    });
    // One for the folder lists, and one for what was copied.
    expect(await objectsOf('notice')).toBe(2);
    await world().pass(2 * HOUR_MS);
    const deleting = await prune(desktop);
    expect(deleting).toMatchObject({ deleted: { objects: 2 }, pending: 0, noticesEnded: 2, complete: true });
    await world().settle();
    expect(await objectsOf('notice')).toBe(0);
    expect(await objectsOf('data')).toBe(before.data);
    // One object less, on six hosts: the folder list of what was forgotten.
    expect(await shardsAtHosts()).toBe(before.shards - 6);

    for (const client of [laptop, desktop]) {
      const target = world().path(`restored-by-${client.peerId}`);
      expect(await client.restore(target, present.snapshotId!)).toMatchObject({ failed: 0 });
      expect(await compareTrees(kept, target, [])).toMatchObject({ differences: [] });
    }
    // Nothing is stored twice because of the prune, also by a machine that has to learn everything anew.
    const again = await laptop.backup(kept);
    expect(again).toMatchObject({ newBytes: expect.any(Number), reported: true });
    expect(again.newBytes).toBeLessThan(10_000);
    await desktop.close();
    await rm(join(desktop.home.path, 'client', 'cache'), { recursive: true });
    await desktop.open();
    expect((await desktop.backup(kept)).newBytes).toBeLessThan(10_000);
    expect(await desktop.engine.check({ readData: true, ...desktop.running() })).toMatchObject({ ok: true });
    expect(await prune(desktop)).toMatchObject({ deleted: { objects: 0 }, marked: { objects: 0 }, unusedBytes: 0 });
  });

  it('a backup does not rely on what is marked, and the mark is never taken back', async () => {
    const client = await world().addClient('careful');
    const folder = await world().writeFiles('careful-files', { 'file.bin': randomBytes(250_000) });
    const first = await client.backup(folder);
    await world().settle();
    await client.engine.forget({
      ids: [first.snapshotId!],
      filter: { hosts: [], tags: [], paths: [] },
      groupBy: [],
      policy: { keep: {}, within: {}, tags: [] },
      dryRun: false,
      removeAll: false,
      ...client.running(),
    });
    await world().pass(2 * HOUR_MS);
    expect(await prune(client)).toMatchObject({ marked: { objects: 2 } });
    const second = await client.backup(folder);
    expect(second.newBytes).toBeGreaterThan(250_000);
    await world().pass(2 * HOUR_MS);
    expect(await prune(client)).toMatchObject({ deleted: { objects: 2 }, repacked: { objects: 0 } });
    const target = world().path('careful-restored');
    expect(await client.restore(target)).toMatchObject({ failed: 0 });
    expect(await compareTrees(folder, target, [])).toMatchObject({ differences: [] });
  });
});

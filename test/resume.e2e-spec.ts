// A backup that breaks off: by the end of the broker, of the client, or of its cache. The next one goes on from there.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ObjectKind } from '#protocol';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import { refusalOf, type WorldClient } from './world.js';

const MB = 1_000_000;
const world = shareWorld({ hosts: 6 });
let client: WorldClient;
let source: string;
// More than two data objects, none of it compressible or in two places.
const SOURCE_BYTES = 36 * MB;
beforeAll(async () => {
  client = await world().addClient();
  source = await world().writeFiles('source', { 'large.bin': randomBytes(35 * MB), 'deep/small.bin': randomBytes(MB) });
});

interface StoredObjects {
  readonly count: number;
  readonly bytes: number;
}

/** What the client's account has on enough hosts, by kind. */
async function storedObjects(kind: ObjectKind): Promise<StoredObjects> {
  const rows = await world().brokerRows<{ size_bytes: number }>(
    `SELECT size_bytes FROM objects WHERE kind = $1 AND account_id = $2 AND stored_shards >= safe_shards`,
    [kind, client.home.identity.accountId],
  );
  return { count: rows.length, bytes: rows.reduce((sum, row) => sum + Number(row.size_bytes), 0) };
}

/** How many puts all hosts together have taken. */
async function putsTaken(): Promise<number> {
  let puts = 0;
  for (const host of world().hosts) puts += (await host.rows('SELECT transaction_id FROM shard_ref')).length;
  return puts;
}

async function getsOf(kind: ObjectKind): Promise<number> {
  const rows = await world().brokerRows(
    `SELECT t.id FROM transactions t JOIN objects o ON o.id = t.object_id WHERE t.op = 'get' AND o.kind = $1`,
    [kind],
  );
  return rows.length;
}

/** Call `act` once, in the middle of a backup: when the first object lies safe on its hosts. */
async function backupUntilFirstObject(act: () => Promise<void> | void, signal?: AbortSignal): Promise<string> {
  let acted: Promise<void> | null = null;
  let hasEnded = false;
  const letTimePass = (): void => {
    if (hasEnded) return;
    world().clock.advance(1_000);
    // Slowly enough that the broker is really asked in between.
    setTimeout(letTimePass, 5);
  };
  const running = client.running(signal);
  const code = await refusalOf(
    client.engine.backup({
      ...running,
      paths: [source],
      excludes: [],
      onEvent: (event) => {
        running.onEvent(event);
        // It waits for a broker that is away until its patience ends: let that time pass.
        if (event.kind === 'warning' && event.code === 'broker_unreachable') letTimePass();
        if (event.kind === 'progress' && event.bytesStored > 0) acted ??= Promise.resolve(act());
      },
    }),
  );
  hasEnded = true;
  expect(acted).not.toBeNull();
  await acted;
  return code;
}

// These follow one another: each goes on where the one before broke off.
describe('a backup that broke off', () => {
  it('ends with broker_unreachable when the broker dies, and what was stored is not lost (B6, B19)', async () => {
    expect(await backupUntilFirstObject(() => world().broker.kill())).toBe('broker_unreachable');
    await world().startBroker();
    // The broker died before it heard of anything: what is stored stands in the client's outbox, and in the hosts'.
    expect(await storedObjects('data')).toMatchObject({ count: 0 });
    expect(await putsTaken()).toBeGreaterThanOrEqual(6);
    await world().pass(1_000);
  });

  it('goes on after the person stopped it and the client was started anew', async () => {
    await world().writeFiles('source', { 'later.bin': randomBytes(MB) });
    const stop = new AbortController();
    const code = await backupUntilFirstObject(() => stop.abort(), stop.signal);
    expect(code).toBe('interrupted');
    await client.close();
    await client.open();
    expect(await storedObjects('snapshot')).toMatchObject({ count: 0 });
    const before = await storedObjects('data');
    expect(before.count).toBeGreaterThan(0);

    const summary = await client.backup(source);
    expect(summary).toMatchObject({ files: 3, skipped: 0, sourceBytes: SOURCE_BYTES + MB });
    expect(summary.newBytes).toBeLessThanOrEqual(SOURCE_BYTES + MB - before.bytes * 0.9);
    // Each chunk lies in one object: all objects together are hardly larger than the files.
    const { bytes } = await storedObjects('data');
    expect(bytes).toBeGreaterThan(SOURCE_BYTES + MB);
    expect(bytes).toBeLessThan((SOURCE_BYTES + MB) * 1.15);
  });

  it('stores nothing but a snapshot when nothing has changed', async () => {
    world().clock.advance(1_000);
    const putsBefore = await putsTaken();
    expect(await client.backup(source)).toMatchObject({ objects: 1, hosts: 6 });
    expect(await putsTaken()).toBe(putsBefore + 6);
    expect(await storedObjects('snapshot')).toMatchObject({ count: 2 });
  });

  it('learns from index objects what is stored when its cache is gone, and fetches no data for it', async () => {
    await client.close();
    await rm(join(client.home.path, 'client', 'cache'), { recursive: true });
    await client.open();
    world().clock.advance(1_000);
    const [putsBefore, indexGetsBefore] = [await putsTaken(), await getsOf('index')];
    const summary = await client.backup(source);
    expect(summary).toMatchObject({ objects: 1, files: 3 });
    expect(await putsTaken()).toBe(putsBefore + 6);
    expect(await getsOf('index')).toBeGreaterThan(indexGetsBefore);
    expect(await getsOf('data')).toBe(0);
    // The list of folders comes back once, so that the files need not be read; from then on it is here.
    const treeGets = await getsOf('tree');
    expect(summary).toMatchObject({ comparedFiles: { new: 0, changed: 0, unmodified: 3 } });
    expect(treeGets).toBeGreaterThan(0);
    world().clock.advance(1_000);
    await client.backup(source);
    expect(await getsOf('tree')).toBe(treeGets);
  });

  it('comes back whole', async () => {
    expect(await client.restore(world().path('restored'))).toMatchObject({ files: 3, failed: 0, badHosts: [] });
    expect(await compareTrees(source, world().path('restored'), [])).toMatchObject({ differences: [] });
  });
});

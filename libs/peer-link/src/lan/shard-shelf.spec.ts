// The shelf (T3, T4, T5): what was fetched lately, for the next neighbour; bounded in bytes and time, harmless when spoiled.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { BLOCK_BYTES, contentIdOf } from '#protocol';
import { LAN_RULES, SHELF_LIFE_MS } from './lan-rules.js';
import { ShardShelf } from './shard-shelf.js';

const KB = 1024;
let folder: string;
let clock: FakeClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-shelf-'));
  clock = new FakeClock(1_795_000_000_000);
});
afterEach(() => rm(folder, { recursive: true }));

const open = (bytesMax = 1_000 * KB): ShardShelf =>
  new ShardShelf({ folder: join(folder, 'shelf'), clock, log: openLog('test', 'silent'), bytesMax });
function someShard(sizeBytes: number) {
  const bytes = randomBytes(sizeBytes);
  return { bytes, cid: contentIdOf(bytes) };
}

describe('the shelf', () => {
  it('finds what was kept, of whatever size, by another process of the home too', async () => {
    for (const sizeBytes of [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES]) {
      const { cid, bytes } = someShard(sizeBytes);
      const shelf = open();
      shelf.keep(cid, bytes);
      await shelf.settle();
      expect(await open().find(cid)).toMatchObject({ sizeBytes });
    }
    expect(await open().find(someShard(1).cid)).toBeNull();
  });

  it('keeps what it was given, not what becomes of that memory', async () => {
    const { cid, bytes } = someShard(40 * KB);
    const shelf = open();
    shelf.keep(cid, bytes);
    bytes.fill(0);
    await shelf.settle();
    const { file } = (await shelf.find(cid))!;
    const { size } = await stat(file);
    expect(size).toBe(40 * KB + 3 * 32);
  });

  it('gives nothing that is too old, and removes it', async () => {
    const { cid, bytes } = someShard(KB);
    const shelf = open();
    shelf.keep(cid, bytes);
    await shelf.settle();
    clock.advance(SHELF_LIFE_MS - 1);
    expect(await shelf.find(cid)).not.toBeNull();
    clock.advance(1);
    expect(await shelf.find(cid)).toBeNull();
    await shelf.sweep();
    expect(await readdir(join(folder, 'shelf'))).toEqual([]);
  });

  it('stays below its bytes, the oldest going first', async () => {
    const shelf = open(100 * KB);
    const shards = Array.from({ length: 8 }, () => someShard(30 * KB));
    for (const { cid, bytes } of shards) {
      shelf.keep(cid, bytes);
      await shelf.settle();
      clock.advance(1_000);
    }
    const found = await Promise.all(shards.map(async ({ cid }) => (await shelf.find(cid)) !== null));
    expect(found.slice(0, 5)).toEqual([false, false, false, false, false]);
    expect(found.at(-1)).toBe(true);
    const files = await readdir(join(folder, 'shelf'));
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, 'shelf', name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100 * KB);
  });

  it('tells how far a fetch has come, as long as somebody says so (T4)', async () => {
    const { cid } = someShard(KB);
    const shelf = open();
    const other = open();
    shelf.noteProgress(cid, { doneBytes: 10, totalBytes: KB });
    await shelf.settle();
    expect(await other.progressOf(cid)).toEqual({ doneBytes: 10, totalBytes: KB });
    clock.advance(LAN_RULES.silenceMsMax);
    expect(await other.progressOf(cid)).toBeNull();
    shelf.noteProgress(cid, { doneBytes: 20, totalBytes: KB });
    shelf.noteProgress(cid, null);
    await shelf.settle();
    expect(await other.progressOf(cid)).toBeNull();
  });

  it('is nobody’s trouble when the disk fails', async () => {
    await writeFile(join(folder, 'shelf'), 'a file where the folder should be');
    const { cid, bytes } = someShard(KB);
    const shelf = open();
    shelf.keep(cid, bytes);
    await shelf.settle();
    expect(await shelf.find(cid)).toBeNull();
    shelf.keep(cid, bytes);
    await shelf.settle();
  });
});

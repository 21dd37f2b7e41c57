// The contract of the shard store, on a good disk and on one that fails at each step: whole and durable, or nothing.
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database';
import { BLOCK_BYTES } from '#protocol';
import { ManualTime, makeFolder, openAgentDatabase, verifiedToken } from '../../../../test/claim-fixture.js';
import { DISK_BATCH_BYTES } from '../limits.js';
import { CutOff } from '../serving/cut-off.js';
import { beginRun } from '../state/agent-state.js';
import { type ClaimedItem, onlyItemOf, ReplayList } from '../tokens/replay-list.js';
import { DiskShardStore } from './disk-shard-store.js';
import { DiskShardFiles, type ReadableShard, ShardFiles, type WritableShard } from './shard-files.js';
import { UnsettledShards } from './unsettled-shards.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const RUN = '0123456789abcdef';

let folder: string;
let directory: string;
let database: Database;
let list: ReplayList;
let unsettled: UnsettledShards;

beforeEach(async () => {
  folder = await makeFolder();
  directory = join(folder, 'shards');
  database = await openAgentDatabase(folder);
  list = await ReplayList.load(database, new ManualTime(NOW_MS), await beginRun(database));
  unsettled = new UnsettledShards();
});

afterEach(async () => {
  await database.close();
});

function claim(bytes: Uint8Array): ClaimedItem {
  return onlyItemOf(list.claim(verifiedToken(bytes, NOW_MS)));
}

function openStore(files: ShardFiles = new DiskShardFiles()): Promise<DiskShardStore> {
  return DiskShardStore.open({
    directory,
    runId: RUN,
    files,
    unsettled,
    onReadOnly: () => undefined,
    onCorrupt: () => undefined,
  });
}

/** A body in pieces that fit no block. */
function bodyOf(bytes: Uint8Array, pieceBytes = 10_007): Readable {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  return Readable.from(pieces, { objectMode: false });
}

async function filesThere(): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).filter((name) => name.includes('/'));
}

async function served(store: DiskShardStore, item: ClaimedItem): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await store.serve(item, async (batch) => {
    pieces.push(Buffer.from(batch));
  });
  return Buffer.concat(pieces);
}

describe('the shard store', () => {
  const SIZES = [
    1,
    BLOCK_BYTES - 1,
    BLOCK_BYTES,
    BLOCK_BYTES + 1,
    DISK_BATCH_BYTES,
    DISK_BATCH_BYTES + 1,
    3 * DISK_BATCH_BYTES + 5,
  ];

  it.each(SIZES)('gives back the %i bytes that it took', async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const store = await openStore();
    await store.write(claim(bytes), bodyOf(bytes));
    expect((await served(store, claim(bytes))).equals(bytes)).toBe(true);
    expect(await filesThere()).toHaveLength(1);
  });

  it.each([
    ['one byte less', (bytes: Buffer) => bytes.subarray(1), 'shard_too_short'],
    ['no byte', () => Buffer.alloc(0), 'shard_too_short'],
    ['one byte more', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)]), 'shard_too_long'],
    ['other bytes', (bytes: Buffer) => Buffer.from(bytes).fill(0, 70_000, 70_001), 'shard_content_mismatch'],
  ])('keeps nothing of %s', async (_name, change, code) => {
    const bytes = randomBytes(2 * DISK_BATCH_BYTES).fill(1, 70_000, 70_001);
    const store = await openStore();
    await expect(store.write(claim(bytes), bodyOf(change(bytes)))).rejects.toMatchObject({ code });
    expect(await filesThere()).toEqual([]);
    expect(store.isReadOnly).toBe(false);
  });

  it('stops reading at the first byte too many, and does not wait for the rest', async () => {
    const bytes = randomBytes(1_000);
    const endless = new Readable({
      read() {
        this.push(bytes);
      },
    });
    await expect((await openStore()).write(claim(bytes), endless)).rejects.toMatchObject({ code: 'shard_too_long' });
  });

  it('keeps nothing of a body that the network cut off', async () => {
    const bytes = randomBytes(2 * DISK_BATCH_BYTES);
    const body = new Readable({ read: () => undefined });
    body.push(bytes.subarray(0, DISK_BATCH_BYTES + 1));
    const writing = (await openStore()).write(claim(bytes), body);
    body.destroy(new Error('gone'));
    await expect(writing).rejects.toBeInstanceOf(CutOff);
    expect(await filesThere()).toEqual([]);
  });

  it('takes the same shard from two transfers at once', async () => {
    const bytes = randomBytes(DISK_BATCH_BYTES + 9);
    const store = await openStore();
    await Promise.all([store.write(claim(bytes), bodyOf(bytes)), store.write(claim(bytes), bodyOf(bytes, 999))]);
    expect(await filesThere()).toHaveLength(1);
    expect((await served(store, claim(bytes))).equals(bytes)).toBe(true);
  });
});

describe('a stored shard that changed on the disk', () => {
  const bytes = randomBytes(3 * DISK_BATCH_BYTES + 77);

  it.each([
    ['in its first byte', (file: Buffer) => flip(file, 0), 0],
    ['in its second batch', (file: Buffer) => flip(file, DISK_BATCH_BYTES + 5), DISK_BATCH_BYTES],
    ['in its last byte', (file: Buffer) => flip(file, bytes.length - 1), 3 * DISK_BATCH_BYTES],
    ['in its hashes', (file: Buffer) => flip(file, bytes.length + 40), 0],
    ['in its length', (file: Buffer) => file.subarray(0, -1), 0],
  ])('%s is cut off before the first bad block', async (_name, change, goodBytes) => {
    const store = await openStore();
    await store.write(claim(bytes), bodyOf(bytes));
    const path = join(directory, (await filesThere())[0]!);
    await writeFile(path, change(await readFile(path)));
    const pieces: Buffer[] = [];
    const serving = store.serve(claim(bytes), async (batch) => {
      pieces.push(Buffer.from(batch));
    });
    await expect(serving).rejects.toMatchObject({ code: 'shard_corrupt' });
    expect(Buffer.concat(pieces).equals(bytes.subarray(0, goodBytes))).toBe(true);
  });

  it('is healed by the same shard put again', async () => {
    const store = await openStore();
    await store.write(claim(bytes), bodyOf(bytes));
    const path = join(directory, (await filesThere())[0]!);
    await writeFile(path, flip(await readFile(path), 3));
    await store.write(claim(bytes), bodyOf(bytes));
    expect((await served(store, claim(bytes))).equals(bytes)).toBe(true);
  });

  function flip(file: Buffer, at: number): Buffer {
    const changed = Buffer.from(file);
    changed[at]! ^= 1;
    return changed;
  }
});

describe('a disk that fails', () => {
  it('at any step leaves nothing visible and no torn shard, and is written no more', async () => {
    const bytes = randomBytes(2 * DISK_BATCH_BYTES);
    const clean = new FailingFiles(Number.POSITIVE_INFINITY);
    await (await openStore(clean)).write(claim(bytes), bodyOf(bytes));
    for (const name of await filesThere()) await new DiskShardFiles().remove(join(directory, name));
    expect(clean.steps).toBeGreaterThan(6);

    for (let failAt = 1; failAt <= clean.steps; failAt++) {
      const files = new FailingFiles(failAt);
      const store = await openStore(files);
      await expect(store.write(claim(bytes), bodyOf(bytes))).rejects.toMatchObject({ code: 'host_read_only' });
      expect(store.isReadOnly).toBe(true);
      const stepsBefore = files.steps;
      await expect(store.write(claim(bytes), bodyOf(bytes))).rejects.toMatchObject({ code: 'host_read_only' });
      expect(files.steps).toBe(stepsBefore);
      // What lies under a shard's name is whole, whatever failed.
      for (const name of (await filesThere()).filter((name) => !name.endsWith('.tmp'))) {
        expect((await served(await openStore(), claim(bytes))).equals(bytes)).toBe(true);
        await new DiskShardFiles().remove(join(directory, name));
      }
    }
  });

  it('only because it is full refuses this shard and takes smaller ones', async () => {
    const bytes = randomBytes(1_000);
    const store = await openStore(new FailingFiles(2, 'ENOSPC'));
    await expect(store.write(claim(bytes), bodyOf(bytes))).rejects.toMatchObject({ code: 'host_full' });
    expect(store.isReadOnly).toBe(false);
    expect(await filesThere()).toEqual([]);
    await store.write(claim(bytes), bodyOf(bytes));
    expect(await filesThere()).toHaveLength(1);
  });
});

describe('a disk that fails while a slow peer takes the batch before', () => {
  const bytes = randomBytes(3 * DISK_BATCH_BYTES);

  it.each([
    ['cannot be read any more', () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' }))],
    ['has been cut short', () => Promise.resolve(false)],
  ])('ends the get of a file that %s as corrupt, and fails nothing else', async (_name, read) => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    await (await openStore()).write(claim(bytes), bodyOf(bytes));
    const store = await openStore(new FailingReads(DISK_BATCH_BYTES, read));
    let batches = 0;
    const serving = store.serve(claim(bytes), async () => {
      batches++;
      // The next batch is read by now, and has failed: a rejection that nobody looks at is told in these turns.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    });
    await expect(serving).rejects.toMatchObject({ code: 'shard_corrupt' });
    process.off('unhandledRejection', onUnhandled);
    expect([batches, unhandled]).toEqual([1, []]);
  });
});

/** A real disk, which reads as `read` says from the byte at `failAt`. */
class FailingReads extends DiskShardFiles {
  constructor(
    private readonly failAt: number,
    private readonly read: () => Promise<boolean>,
  ) {
    super();
  }

  override async openToRead(path: string): Promise<ReadableShard> {
    const shard = await super.openToRead(path);
    return {
      sizeBytes: shard.sizeBytes,
      read: (target, position) => (position === this.failAt ? this.read() : shard.read(target, position)),
      close: () => shard.close(),
    };
  }
}

/** A real disk, of which step number `failAt` fails; what a failed step did before is done. */
class FailingFiles extends ShardFiles {
  steps = 0;
  private readonly disk = new DiskShardFiles();
  private opened = false;

  constructor(
    private readonly failAt: number,
    private readonly errno = 'EIO',
  ) {
    super();
  }

  makeFolder = (path: string): Promise<void> => this.disk.makeFolder(path);
  list = (path: string): Promise<string[]> => this.disk.list(path);
  freeBytes = (path: string): number => this.disk.freeBytes(path);
  openToRead = (path: string): Promise<ReadableShard> => this.disk.openToRead(path);
  remove = (path: string): Promise<void> => this.disk.remove(path);

  async create(path: string): Promise<WritableShard> {
    this.opened = true;
    await this.step();
    const file = await this.disk.create(path);
    return {
      write: async (pieces, position) => {
        await this.step();
        await file.write(pieces, position);
      },
      sync: async () => {
        await this.step();
        await file.sync();
      },
      close: async () => {
        await file.close();
        await this.step();
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step();
    await this.disk.rename(from, to);
  }

  async syncFolder(path: string): Promise<void> {
    if (this.opened) await this.step();
    await this.disk.syncFolder(path);
  }

  private async step(): Promise<void> {
    this.steps++;
    if (this.steps === this.failAt) throw Object.assign(new Error('disk'), { code: this.errno });
  }
}

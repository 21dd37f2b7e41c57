// Each chunk of a run is stored once; several objects travel at a time; the first failure ends the run, and all settle.
import { createCipheriv, hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type ObjectId, ProtocolError, uuidV7 } from '#protocol';
import { ChunkIndexFile } from '../chunk-index-file.js';
import { freshFolder } from '../files/testing-folders.js';
import { deriveDataKeys } from '../keys.js';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { ChunkPacker } from './chunk-packer.js';
import { ObjectUploader } from './object-uploader.js';
import { ReportOutbox } from './report-outbox.js';
import { TestNetwork } from './testing-network.js';

const keys = deriveDataKeys(new Uint8Array(32).fill(1));

let folder: ReturnType<typeof freshFolder>;
let network: TestNetwork;
let cache: ChunkIndexFile;
let outbox: ReportOutbox;
let stop: AbortController;
let storedIds: ObjectId[];
let packer: ChunkPacker;
beforeEach(async () => {
  folder = freshFolder();
  network = new TestNetwork(3);
  outbox = await ReportOutbox.open(join(folder.path, 'reports.jsonl'), network.broker);
  cache = await ChunkIndexFile.open({ path: join(folder.path, 'chunks.index'), cacheKey: keys.cacheKey });
  stop = new AbortController();
  storedIds = [];
  packer = newPacker();
});
afterEach(async () => {
  await packer.settle();
  await cache.close();
  await outbox.close();
  folder.remove();
});

let objects = 0;
function newPacker(
  uploader: Pick<ObjectUploader, 'store'> = new ObjectUploader({
    broker: network.broker,
    hosts: network.hosts,
    outbox,
    clock: new FakeClock(0),
    nowMs: () => 0,
    onEvent: () => undefined,
  }),
): ChunkPacker {
  return new ChunkPacker({
    keys,
    cache,
    uploader,
    randomBytes,
    clock: new FakeClock(0),
    newObjectId: () => uuidV7<ObjectId>(1_000 + objects++, new Uint8Array(10)),
    signal: stop.signal,
    onStored: ({ objectId }) => storedIds.push(objectId),
  });
}

/** Chunks of which four fill an object: other bytes in each, and none that compress. */
function largeChunk(number: number): Buffer {
  return createCipheriv('aes-256-ctr', Buffer.alloc(32, number), Buffer.alloc(16)).update(
    Buffer.alloc(CHUNK_BYTES_MAX),
  );
}

const text = (content: string): Buffer => Buffer.from(content);

/** A door that lets nobody pass until it is opened. */
function door(): { readonly passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
}

describe('ChunkPacker', () => {
  it('stores a chunk once: while it waits, while it travels, and when it is known', async () => {
    const first = await packer.add('data', text('same'));
    expect(await packer.add('data', text('same'))).toBe(first);
    const held = door();
    network.onBeginPut = () => held.passed;
    const flushed = packer.flush(['data']);
    expect(await packer.add('data', text('same'))).toBe(first);
    held.open();
    expect(await flushed).toHaveLength(1);
    expect(await packer.add('data', text('same'))).toBe(first);
    expect(await packer.flush(['data'])).toEqual([]);
    expect(network.begun).toHaveLength(1);
    expect(packer.newBytes).toBe(4);
    // Another run finds it in the cache.
    const next = newPacker();
    expect(await next.add('data', text('same'))).toBe(first);
    expect(next.newBytes).toBe(0);
  });

  it('counts what was read and its trees as new, and not what is written of every run', async () => {
    await packer.add('data', text('1234'));
    await packer.add('tree', text('12345'));
    await packer.add('index', text('where all that lies'));
    await packer.add('snapshot', text('what the run was'));
    expect(packer.newBytes).toBe(9);
  });

  it('has copied a chunk when it takes it: the caller may use the memory again', async () => {
    const memory = text('first');
    const first = await packer.add('data', memory);
    memory.write('other');
    const other = await packer.add('data', memory);
    expect(other).not.toBe(first);
    await packer.flush(['data']);
    expect(cache.index.size).toBe(2);
  });

  it('keeps kinds in objects of their own, and sends those that are asked for', async () => {
    await packer.add('data', text('a'));
    await packer.add('tree', text('b'));
    expect(await packer.flush(['data'])).toHaveLength(1);
    expect(network.begun.map(({ kind }) => kind)).toEqual(['data']);
    await packer.flush(['data', 'tree']);
    expect(network.begun.map(({ kind }) => kind)).toEqual(['data', 'tree']);
    expect(storedIds).toHaveLength(2);
  });

  it('tells of an object only when its chunks are in the cache', async () => {
    await packer.add('data', text('a'));
    network.onBeginPut = async () => {
      expect(cache.index.size).toBe(0);
      expect(storedIds).toEqual([]);
    };
    await packer.flush(['data']);
    expect(cache.index.size).toBe(1);
    expect([...cache.unpublished.keys()]).toEqual(storedIds);
  });

  it('sends full objects while it goes on, but no more than three at a time', async () => {
    const held = door();
    network.onBeginPut = () => held.passed;
    let addedCount = 0;
    const adding = (async () => {
      for (let i = 0; i < 16; i++) {
        await packer.add('data', largeChunk(i));
        addedCount++;
      }
    })();
    await quiet();
    expect(network.begun).toHaveLength(3);
    // The fourth object is full and waits for a place: its last chunk is not taken before.
    expect(addedCount).toBe(15);
    held.open();
    await adding;
    await packer.flush(['data']);
    expect(network.begun).toHaveLength(4);
    expect(cache.index.size).toBe(16);
  });

  it('ends the run with the first failure: the next call throws it, and nothing more is begun', async () => {
    const held = door();
    network.onBeginPut = async () => {
      await held.passed;
      throw new ProtocolError('credit_exceeded');
    };
    for (let i = 0; i < 4; i++) await packer.add('data', largeChunk(i));
    await packer.add('data', text('more'));
    held.open();
    await packer.settle();
    await expect(packer.add('data', text('even more'))).rejects.toMatchObject({ code: 'credit_exceeded' });
    await expect(packer.flush(['data'])).rejects.toMatchObject({ code: 'credit_exceeded' });
    expect(network.begun).toHaveLength(1);
    expect(cache.index.size).toBe(0);
  });

  it('settles when everything under way has ended, and throws nothing', async () => {
    const held = door();
    network.onBeginPut = async ({ kind }) => {
      await held.passed;
      if (kind === 'tree') throw new ProtocolError('broker_unreachable');
    };
    await packer.add('data', text('a'));
    await packer.add('tree', text('b'));
    const flushed = packer.flush(['data', 'tree']);
    let isSettled = false;
    await quiet();
    const settled = packer.settle().then(() => {
      isSettled = true;
    });
    await quiet();
    expect(isSettled).toBe(false);
    held.open();
    await settled;
    await expect(flushed).rejects.toMatchObject({ code: 'broker_unreachable' });
    // What did arrive is kept for the next run.
    expect(storedIds).toHaveLength(1);
    expect(cache.index.size).toBe(1);
  });

  it('takes nothing more when the person has stopped it', async () => {
    stop.abort();
    await expect(packer.add('data', text('a'))).rejects.toMatchObject({ code: 'interrupted' });
    expect(network.begun).toEqual([]);
  });

  it('uses the memory of data again when it is stored, and not before', async () => {
    const memories = new Set<unknown>();
    let changed = 0;
    packer = newPacker({
      store: async ({ objectId, bytes }) => {
        const before = hash('sha256', bytes, 'hex');
        memories.add(bytes.buffer);
        await quiet();
        if (hash('sha256', bytes, 'hex') !== before) changed++;
        return { objectId, storedShards: 1, totalShards: 1, storedBytes: bytes.length };
      },
    });
    for (let number = 0; number < 4 * 8; number++) await packer.add('data', largeChunk(number));
    await packer.flush(['data']);
    expect(storedIds).toHaveLength(8);
    expect(changed).toBe(0);
    // As many as travel at once, and one that is being sealed.
    expect(memories.size).toBeLessThanOrEqual(4);
  });
});

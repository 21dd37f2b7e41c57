// The cache against the broker's list: what is listed late, what is gone, and an index that cannot be had.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, type ListedObject, type ObjectId, type PeerId, ProtocolError, uuidV7 } from '#protocol';
import { ChunkIndexFile } from '../chunk-index-file.js';
import { identifyChunk } from '../chunking/chunk-id.js';
import type { HeldObject } from '../get/object-cache.js';
import { deriveDataKeys } from '../keys.js';
import { ObjectBuilder, type SealedObject } from '../objects/object-builder.js';
import { OBJECT_KIND_CODES, type ObjectKind } from '../objects/object-codec.js';
import { objectKeyOf } from '../objects/open-object.js';
import type { BrokerPort, EngineEvent } from '../ports.js';
import { encodeNotice } from '../prune/notice-codec.js';
import { encodeIndexedObject, encodeIndexHeader } from '../trees/index-codec.js';
import { learnMissing, syncCache } from './sync-cache.js';

const keys = deriveDataKeys(Buffer.alloc(32, 7));
const signal = new AbortController().signal;

let folder: string;
let cache: ChunkIndexFile;
let listed: SealedObject[];
let unavailable: Set<ObjectId>;
let events: EngineEvent[];
let objectCount = 0;
let reads: ObjectId[];
let createdAt: (objectId: ObjectId) => string;

const openCache = () => ChunkIndexFile.open({ path: join(folder, 'chunks.index'), cacheKey: keys.cacheKey });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sync-cache-'));
  cache = await openCache();
  listed = [];
  unavailable = new Set();
  events = [];
  reads = [];
  createdAt = () => '2026-11-20T08:00:00.000Z';
});

afterEach(async () => {
  await cache.close();
  await rm(folder, { recursive: true });
});

const chunkOf = (text: string) => identifyChunk(keys.chunkIdKey, Buffer.from(text));

function objectOf(kind: ObjectKind, ...plaintexts: (string | Buffer)[]): SealedObject {
  const builder = new ObjectBuilder(keys, kind, randomBytes);
  for (const plaintext of plaintexts) builder.add(identifyChunk(keys.chunkIdKey, Buffer.from(plaintext)));
  return builder.seal(uuidV7<ObjectId>(1_790_000_000_000 + objectCount++, Buffer.alloc(10)));
}

function indexOf(...objects: SealedObject[]): SealedObject {
  const records = objects.map(({ objectId, kind, entries }) =>
    encodeIndexedObject({ objectId, kind: OBJECT_KIND_CODES[kind], chunks: entries }),
  );
  return objectOf('index', Buffer.concat([encodeIndexHeader(), ...records]));
}

function markOf(...objects: SealedObject[]): SealedObject {
  const machineId = '01900000-0000-7000-8000-000000000001' as PeerId;
  const ids = objects.map(({ objectId }) => objectId);
  return objectOf('notice', encodeNotice({ notice: 'mark', machineId, graceMs: 1_000, objects: ids }));
}

/** What is listed is served, unless it is unavailable. */
async function sync(): Promise<void> {
  await syncCache(partsOf(), signal);
}

async function learn(find: () => Promise<unknown>): Promise<void> {
  await learnMissing(partsOf(), listed.map(listedObjectOf), find, signal);
}

function partsOf(): Parameters<typeof syncCache>[0] {
  const broker = {
    listObjects: async () => ({ objects: listed.map(listedObjectOf), next: null }),
  } as Partial<BrokerPort> as BrokerPort;
  const objects = {
    announce: async () => undefined,
    get: async (objectId: ObjectId): Promise<HeldObject> => {
      reads.push(objectId);
      const object = listed.find((one) => one.objectId === objectId);
      const code: ErrorCode = object === undefined ? 'object_unknown' : 'object_unavailable';
      if (object === undefined || unavailable.has(objectId)) throw new ProtocolError(code);
      return { objectId, bytes: object.bytes, key: objectKeyOf(keys, objectId, object.bytes) };
    },
  };
  return { broker, cache, objects, keys, onEvent: (event) => events.push(event) };
}

function listedObjectOf({ objectId, kind, bytes }: SealedObject): ListedObject {
  const about = { dataShards: 4, totalShards: 6, storedShards: 6, createdAt: createdAt(objectId) };
  return { objectId, kind, sizeBytes: bytes.length, ...about };
}

const objectWith = (text: string): ObjectId | undefined => cache.index.get(chunkOf(text).chunkId)?.objectId;

describe('syncCache', () => {
  it('learns an object that is listed only after the index that names it', async () => {
    const data = objectOf('data', 'late');
    const index = indexOf(data);
    listed = [index];
    await sync();
    expect(objectWith('late')).toBeUndefined();
    listed = [data, index];
    await sync();
    expect(objectWith('late')).toBe(data.objectId);
  });

  it('learns an object again that was gone for a while', async () => {
    const data = objectOf('data', 'back again');
    const index = indexOf(data);
    listed = [data, index];
    await sync();
    listed = [index];
    await sync();
    expect(objectWith('back again')).toBeUndefined();
    listed = [data, index];
    await sync();
    expect(objectWith('back again')).toBe(data.objectId);
  });

  it('finds a chunk in another object when the one that answered for it is gone, also after a restart', async () => {
    const [first, second] = [objectOf('data', 'twice'), objectOf('data', 'twice', 'once')];
    const indexes = [indexOf(first), indexOf(second)];
    listed = [first, second, ...indexes];
    await sync();
    expect(objectWith('twice')).toBe(first.objectId);
    listed = [second, ...indexes];
    await sync();
    expect(objectWith('twice')).toBe(second.objectId);
    await cache.close();
    cache = await openCache();
    expect(objectWith('twice')).toBe(second.objectId);
    expect(objectWith('once')).toBe(second.objectId);
  });

  it('tells of an index that cannot be had, reads the others, and tries it again', async () => {
    const [lost, other] = [objectOf('data', 'lost'), objectOf('data', 'other')];
    const indexes = [indexOf(lost), indexOf(other)] as const;
    listed = [lost, other, ...indexes];
    unavailable.add(indexes[0].objectId).add(lost.objectId);
    await sync();
    expect(events).toMatchObject([
      { kind: 'warning', code: 'object_unavailable' },
      { kind: 'warning', code: 'object_unavailable' },
    ]);
    expect([objectWith('lost'), objectWith('other')]).toEqual([undefined, other.objectId]);
    unavailable.clear();
    await sync();
    expect(objectWith('lost')).toBe(lost.objectId);
    expect(cache.unpublished.size).toBe(0);
  });

  it('opens the objects themselves when their index cannot be had, and leaves them to be published anew', async () => {
    const [lost, snapshot] = [objectOf('tree', 'lost'), objectOf('snapshot', 'snapshot')];
    const index = indexOf(lost);
    listed = [lost, index, snapshot];
    unavailable.add(index.objectId);
    await sync();
    expect([objectWith('lost'), objectWith('snapshot')]).toEqual([lost.objectId, undefined]);
    expect([...cache.unpublished.keys()]).toEqual([lost.objectId]);
  });

  it('leaves what only a vanished index named to be published anew, also after a restart', async () => {
    const [mine, other] = [objectOf('data', 'mine', 'mine too'), objectOf('tree', 'other')];
    const [vanishing, staying] = [indexOf(mine), indexOf(other)];
    listed = [mine, other, vanishing, staying];
    await sync();
    expect(cache.unpublished.size).toBe(0);
    listed = [mine, other, staying];
    reads = [];
    await sync();
    expect([...cache.unpublished.values()]).toMatchObject([{ objectId: mine.objectId, kind: 'data' }]);
    const plain = mine.entries.map((entry) => ({ ...entry, chunkId: Uint8Array.from(entry.chunkId) }));
    expect(cache.unpublished.get(mine.objectId)?.entries).toEqual(plain);
    expect(objectWith('mine too')).toBe(mine.objectId);
    expect(reads).toEqual([staying.objectId]);
    await cache.close();
    cache = await openCache();
    expect([...cache.unpublished.keys()]).toEqual([mine.objectId]);
    // The new index names it, and then there is nothing to do.
    listed.push(indexOf(mine));
    await sync();
    await sync();
    expect(cache.unpublished.size).toBe(0);
  });

  it('opens what nobody names only when something is missing', async () => {
    const [named, unnamed] = [objectOf('data', 'named'), objectOf('data', 'unnamed')];
    listed = [named, unnamed, indexOf(named)];
    await sync();
    expect([objectWith('unnamed'), reads.includes(unnamed.objectId)]).toEqual([undefined, false]);
    await learn(async () => undefined);
    expect(objectWith('unnamed')).toBeUndefined();
    await learn(() => Promise.reject(new ProtocolError('chunk_missing')));
    expect(objectWith('unnamed')).toBe(unnamed.objectId);
    expect([...cache.unpublished.keys()]).toEqual([unnamed.objectId]);
  });

  it('counts what is marked as not stored, reads it all the same, and finds it in the object that has it too', async () => {
    const [first, second] = [objectOf('data', 'twice', 'once'), objectOf('data', 'twice')];
    listed = [first, second, indexOf(first), indexOf(second)];
    await sync();
    listed.push(markOf(first));
    await sync();
    expect([objectWith('twice'), cache.index.has(chunkOf('twice').chunkId)]).toEqual([second.objectId, true]);
    expect([objectWith('once'), cache.index.has(chunkOf('once').chunkId)]).toEqual([first.objectId, false]);
    await cache.close();
    cache = await openCache();
    expect([objectWith('twice'), cache.index.has(chunkOf('once').chunkId)]).toEqual([second.objectId, false]);
    reads = [];
    await sync();
    expect(reads).toEqual([]);
  });

  it('does not read an index again that names what was marked and is gone', async () => {
    const [gone, kept] = [objectOf('data', 'gone'), objectOf('data', 'kept')];
    const [index, mark] = [indexOf(gone, kept), markOf(gone)];
    listed = [gone, kept, index, mark];
    await sync();
    listed = [kept, index, mark];
    await sync();
    expect([objectWith('gone'), objectWith('kept')]).toEqual([undefined, kept.objectId]);
    reads = [];
    await sync();
    expect(reads).toEqual([]);
  });

  it('waits a month for what an index names and nobody lists, and reads the index again until then', async () => {
    const [late, other] = [objectOf('data', 'late'), objectOf('data', 'other')];
    const index = indexOf(late);
    listed = [index, other];
    await sync();
    reads = [];
    await sync();
    expect(reads).toEqual([index.objectId]);
    createdAt = (objectId) => (objectId === other.objectId ? '2026-12-21T08:00:00.000Z' : '2026-11-20T08:00:00.000Z');
    await sync();
    reads = [];
    await sync();
    expect(reads).toEqual([]);
  });
});

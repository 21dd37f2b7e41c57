// The cache against the broker's list: what is listed late, what is gone, and an index that cannot be had.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, type ListedObject, type ObjectId, ProtocolError, uuidV7 } from '#protocol';
import { ChunkIndexFile } from '../chunk-index-file.js';
import { identifyChunk } from '../chunking/chunk-id.js';
import type { HeldObject } from '../get/object-cache.js';
import { deriveDataKeys } from '../keys.js';
import { ObjectBuilder, type SealedObject } from '../objects/object-builder.js';
import { OBJECT_KIND_CODES, type ObjectKind } from '../objects/object-codec.js';
import { objectKeyOf } from '../objects/open-object.js';
import type { BrokerPort, EngineEvent } from '../ports.js';
import { encodeIndexedObject, encodeIndexHeader } from '../trees/index-codec.js';
import { syncCache } from './sync-cache.js';

const keys = deriveDataKeys(Buffer.alloc(32, 7));
const signal = new AbortController().signal;

let folder: string;
let cache: ChunkIndexFile;
let listed: SealedObject[];
let unavailable: Set<ObjectId>;
let events: EngineEvent[];
let objectCount = 0;

const openCache = () => ChunkIndexFile.open({ path: join(folder, 'chunks.index'), cacheKey: keys.cacheKey });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sync-cache-'));
  cache = await openCache();
  listed = [];
  unavailable = new Set();
  events = [];
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

/** What is listed is served, unless it is unavailable. */
async function sync(): Promise<void> {
  const broker = {
    listObjects: async () => ({ objects: listed.map(listedObjectOf), next: null }),
  } as Partial<BrokerPort> as BrokerPort;
  const objects = {
    announce: async () => undefined,
    get: async (objectId: ObjectId): Promise<HeldObject> => {
      const object = listed.find((one) => one.objectId === objectId);
      const code: ErrorCode = object === undefined ? 'object_unknown' : 'object_unavailable';
      if (object === undefined || unavailable.has(objectId)) throw new ProtocolError(code);
      return { objectId, bytes: object.bytes, key: objectKeyOf(keys, objectId, object.bytes) };
    },
  };
  await syncCache({ broker, cache, objects, keys, onEvent: (event) => events.push(event) }, signal);
}

function listedObjectOf({ objectId, kind, bytes }: SealedObject): ListedObject {
  const createdAt = '2026-11-20T08:00:00.000Z';
  return { objectId, kind, sizeBytes: bytes.length, dataShards: 4, totalShards: 6, storedShards: 6, createdAt };
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
});

// Objects come from this machine's disk where they lie there, else from hosts, and are then kept, unless they are data.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { type ObjectId, type ObjectToGet, uuidV7 } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import { freshFolder } from '../files/testing-folders.js';
import { deriveDataKeys } from '../keys.js';
import { ObjectBuilder, type SealedObject } from '../objects/object-builder.js';
import type { ObjectKind } from '../objects/object-codec.js';
import { LocalObjects } from './local-objects.js';
import { ObjectCache } from './object-cache.js';

const keys = deriveDataKeys(new Uint8Array(32).fill(1));
const { signal } = new AbortController();
let folder: ReturnType<typeof freshFolder>;
beforeEach(() => {
  folder = freshFolder();
});
afterEach(() => folder.remove());

let made = 0;
function objectOf(kind: ObjectKind, text: string): SealedObject {
  const builder = new ObjectBuilder(keys, kind, randomBytes);
  builder.add(identifyChunk(keys.chunkIdKey, Buffer.from(text)));
  return builder.seal(uuidV7<ObjectId>(++made, new Uint8Array(10)));
}

interface Watched {
  readonly cache: ObjectCache;
  readonly asked: string[];
  readonly fetched: string[];
  /** Objects whose memory may be used again. */
  readonly givenBack: string[];
}

/** A cache of a new process on the same disk, and what it asked hosts for. */
function freshCache(stored: readonly SealedObject[]): Watched {
  const asked: string[] = [];
  const givenBack: string[] = [];
  const fetched: string[] = [];
  const fetcher = {
    announce: () => undefined,
    permissionsFor: async (ids: readonly ObjectId[]) => {
      asked.push(...ids);
      return new Map(ids.map((objectId) => [objectId, { objectId } as ObjectToGet]));
    },
    fetch: async ({ objectId }: ObjectToGet) => {
      fetched.push(objectId);
      return stored.find((object) => object.objectId === objectId)!.bytes;
    },
    giveBack: (bytes: Buffer) => {
      givenBack.push(stored.find((object) => object.bytes === bytes)!.objectId);
    },
  };
  const log = openLog('test', 'silent');
  const local = new LocalObjects({ folder: folder.path, cacheKey: keys.cacheKey, clock: new FakeClock(0), log });
  return { cache: new ObjectCache(keys, fetcher as never, local), asked, fetched, givenBack };
}

describe('an object cache over a disk', () => {
  it('fetches a tree once, and asks for no token of what lies here', async () => {
    const tree = objectOf('tree', 'a folder');
    const first = freshCache([tree]);
    await first.cache.get(tree.objectId, signal);
    expect(first.fetched).toEqual([tree.objectId]);

    const second = freshCache([tree]);
    await second.cache.announce([tree.objectId], signal);
    const chunk = await second.cache.chunk({ objectId: tree.objectId, entry: tree.entries[0]! }, signal);
    expect(chunk.toString()).toBe('a folder');
    expect([second.asked, second.fetched]).toEqual([[], []]);
  });

  it('fetches data each time', async () => {
    const data = objectOf('data', 'a file');
    for (let i = 0; i < 2; i++) {
      const { cache, fetched } = freshCache([data]);
      await cache.get(data.objectId, signal);
      expect(fetched).toEqual([data.objectId]);
    }
  });

  it('fetches anew what is damaged on the disk, and keeps it again', async () => {
    const tree = objectOf('tree', 'a folder');
    await freshCache([tree]).cache.get(tree.objectId, signal);
    writeFileSync(join(folder.path, tree.objectId), 'damaged');
    const second = freshCache([tree]);
    expect((await second.cache.get(tree.objectId, signal)).bytes).toEqual(tree.bytes);
    expect(second.fetched).toEqual([tree.objectId]);
    const third = freshCache([tree]);
    await third.cache.get(tree.objectId, signal);
    expect(third.fetched).toEqual([]);
  });

  it('keeps nothing that does not open', async () => {
    const tree = objectOf('tree', 'a folder');
    tree.bytes[40]! ^= 1;
    const { cache } = freshCache([tree]);
    await cache.get(tree.objectId, signal);
    const second = freshCache([tree]);
    await second.cache.get(tree.objectId, signal);
    expect(second.fetched).toEqual([tree.objectId]);
  });
});

describe('the memory of objects in a cache', () => {
  const objects = Array.from({ length: 12 }, (_, i) => objectOf('data', `file ${i}`));
  const [first, ...others] = objects.map(({ objectId }) => objectId) as [ObjectId, ...ObjectId[]];
  const look = () => undefined;

  it('goes back once for each object that is dropped, when it is dropped', async () => {
    const { cache, givenBack } = freshCache(objects);
    for (const { objectId } of objects) await cache.use(objectId, signal, look);
    expect(givenBack).toEqual(objects.slice(0, -5).map(({ objectId }) => objectId));
  });

  it('goes back only after the last use of an object that was dropped meanwhile', async () => {
    const { cache, givenBack } = freshCache(objects);
    await cache.use(first, signal, async () => {
      await cache.use(first, signal, async () => {
        for (const objectId of others) await cache.use(objectId, signal, look);
      });
      await cache.chunk({ objectId: others[0]!, entry: objects[1]!.entries[0]! }, signal);
      expect(givenBack).not.toContain(first);
    });
    await Promise.resolve();
    expect(givenBack.filter((id) => id === first)).toEqual([first]);
  });

  it('stays with an object that somebody has from get, also when it is used beside', async () => {
    const { cache, givenBack } = freshCache(objects);
    const [held] = await Promise.all([cache.get(first, signal), cache.use(first, signal, look)]);
    for (const objectId of others) await cache.use(objectId, signal, look);
    expect(givenBack).not.toContain(first);
    expect(held.bytes).toEqual(objects[0]!.bytes);
  });

  it('stays with an object that is fetched again while its first fetch is still used', async () => {
    const { cache, fetched, givenBack } = freshCache(objects);
    await cache.use(first, signal, async () => {
      for (const objectId of others) await cache.use(objectId, signal, look);
      await cache.use(first, signal, look);
      expect(fetched.filter((id) => id === first)).toHaveLength(2);
      expect(givenBack).not.toContain(first);
    });
  });
});

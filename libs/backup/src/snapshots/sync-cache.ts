// Brings the local cache up to date with the broker: what was stored elsewhere is learnt, what is gone is forgotten.
import {
  type ListedObject,
  OBJECTS_PER_PAGE_MAX,
  OBJECTS_PER_REQUEST_MAX,
  type ObjectId,
  type ProtocolError,
} from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { openChunk, openObject } from '../objects/open-object.js';
import type { BrokerPort, OnEvent } from '../ports.js';
import { IndexDecoder } from '../trees/index-codec.js';

/** Every object of the account that is safe, oldest first. Any error ends it: a partial list would forget wanted objects. */
export async function listEveryObject(broker: BrokerPort, signal: AbortSignal): Promise<ListedObject[]> {
  const all: ListedObject[] = [];
  let after: ObjectId | null = null;
  do {
    const page: Awaited<ReturnType<BrokerPort['listObjects']>> = await broker.listObjects(
      after === null ? { limit: OBJECTS_PER_PAGE_MAX } : { limit: OBJECTS_PER_PAGE_MAX, after },
      { signal },
    );
    all.push(...page.objects);
    after = page.next;
  } while (after !== null);
  return all;
}

/**
 * Make the cache say what the broker's list says.
 *
 * Objects that the broker does not list are forgotten, so that their chunks are stored again; then every index is read
 * anew, because another object may have the same chunks, and a forgotten one may be listed again. Index objects that the
 * cache has not seen are read; they name the objects of other machines, and after the loss of the cache all objects.
 * One that cannot be had is told and tried again the next time; until then the objects that no index names are opened
 * themselves, since each carries its own directory, and the next backup publishes them anew.
 *
 * returns  the list, for whoever needs it further
 */
export async function syncCache(
  parts: {
    broker: BrokerPort;
    cache: ChunkIndexFile;
    objects: Pick<ObjectCache, 'announce' | 'get'>;
    keys: DataKeys;
    onEvent: OnEvent;
  },
  signal: AbortSignal,
): Promise<ListedObject[]> {
  const { cache } = parts;
  const listed = await listEveryObject(parts.broker, signal);
  const listedIds = new Set(listed.map(({ objectId }) => objectId));
  const gone = [...cache.index.objectIds()].filter((objectId) => !listedIds.has(objectId));
  const indexes = listed.filter(({ kind }) => kind === 'index');
  if (gone.length > 0) await cache.forgetObjects([...gone, ...indexes.map(({ objectId }) => objectId)]);

  let indexLost = false;
  const unread = indexes.filter(({ objectId }) => !cache.index.hasObject(objectId));
  for (let first = 0; first < unread.length; first += OBJECTS_PER_REQUEST_MAX) {
    const group = unread.slice(first, first + OBJECTS_PER_REQUEST_MAX).map(({ objectId }) => objectId);
    await parts.objects.announce(group, signal);
    for (const objectId of group) {
      const failure = await orLoss(readIndexObject(parts, objectId, listedIds, signal));
      if (failure === null) continue;
      indexLost = true;
      const detail = `an index of stored chunks cannot be read, ${objectId}: ${failure.message}`;
      parts.onEvent({ kind: 'warning', code: failure.code, detail });
    }
  }
  if (indexLost) await readDirectories(parts, listed, signal);
  return listed;
}

/** Open every object that holds chunks and that no index named. Slow, and the last resort: whole objects are fetched. */
async function readDirectories(
  parts: { cache: ChunkIndexFile; objects: Pick<ObjectCache, 'announce' | 'get'>; onEvent: OnEvent },
  listed: readonly ListedObject[],
  signal: AbortSignal,
): Promise<void> {
  const unknown = listed.filter(
    ({ objectId, kind }) => (kind === 'data' || kind === 'tree') && !parts.cache.index.hasObject(objectId),
  );
  for (const { objectId } of unknown) {
    const failure = await orLoss(
      (async () => {
        const object = await parts.objects.get(objectId, signal);
        await parts.cache.storeObject({ objectId, ...openObject(object.key, object.bytes) });
      })(),
    );
    if (failure !== null) {
      const detail = `object ${objectId} cannot be read: ${failure.message}`;
      parts.onEvent({ kind: 'warning', code: failure.code, detail });
    }
  }
}

/** Null when it went well, the loss when some stored bytes cannot be had; throws everything else. */
async function orLoss(work: Promise<void>): Promise<ProtocolError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (isLossOfData(error)) return error;
    throw error;
  }
}

async function readIndexObject(
  parts: { cache: ChunkIndexFile; objects: Pick<ObjectCache, 'get'>; keys: DataKeys },
  objectId: ObjectId,
  listedIds: ReadonlySet<ObjectId>,
  signal: AbortSignal,
): Promise<void> {
  const object = await parts.objects.get(objectId, signal);
  const { entries } = openObject(object.key, object.bytes);
  let isComplete = true;
  for (const entry of entries) {
    const decoder = new IndexDecoder();
    const indexed = decoder.push(openChunk(parts.keys, object.key, object.bytes, entry));
    decoder.end();
    const stillThere = indexed.filter((known) => listedIds.has(known.objectId));
    if (stillThere.length < indexed.length) isComplete = false;
    await parts.cache.storePublished(
      stillThere.map((known) => ({
        objectId: known.objectId,
        entries: known.chunks.map((chunk, index) => ({ ...chunk, index })),
      })),
    );
  }
  // Last: an index object counts as read only when everything that it names is in the cache. What another machine has
  // just stored may be listed later than the index that names it.
  if (isComplete) await parts.cache.storePublished([{ objectId, entries }]);
}

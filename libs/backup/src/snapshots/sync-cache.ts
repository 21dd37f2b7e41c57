// Brings the local cache up to date with the broker: what was stored elsewhere is learnt, what is gone is forgotten.
import {
  type ListedObject,
  OBJECTS_PER_PAGE_MAX,
  OBJECTS_PER_REQUEST_MAX,
  type ObjectId,
  type ObjectKind,
  type ProtocolError,
  parseTime,
} from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { openChunk, openObject } from '../objects/open-object.js';
import type { BrokerPort, OnEvent } from '../ports.js';
import { decodeNotice } from '../prune/notice-codec.js';
import { LATE_REPORT_MS_MAX } from '../prune/prune-limits.js';
import { IndexDecoder } from '../trees/index-codec.js';

/** Every object of the account that is safe, of one kind or of all, oldest first. Any error ends it: a partial list would forget wanted objects. */
export async function listEveryObject(
  broker: Pick<BrokerPort, 'listObjects'>,
  signal: AbortSignal,
  kind: ObjectKind | null = null,
): Promise<ListedObject[]> {
  const ofKind = kind === null ? {} : { kind };
  const all: ListedObject[] = [];
  let after: ObjectId | null = null;
  do {
    const page: Awaited<ReturnType<BrokerPort['listObjects']>> = await broker.listObjects(
      { limit: OBJECTS_PER_PAGE_MAX, ...ofKind, ...(after === null ? {} : { after }) },
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
 * An index may be gone for good. Whenever all of them are read anew, the objects that are known and that none of them
 * names are left to the next backup to publish; those that nobody knows are opened when something is missing
 * (learnMissing).
 *
 * Objects that a notice marks to be deleted are condemned: their chunks count as not stored. When that is news of an
 * object that the cache knows, the indexes are read anew as well, because another object may have the same chunks.
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
  const condemned = await readMarks(parts, listed, signal);
  if (gone.length > 0 || condemned.some((objectId) => cache.index.hasObject(objectId))) {
    await cache.forgetObjects([...gone, ...indexes.map(({ objectId }) => objectId)]);
  }

  const named = new Set<ObjectId>();
  const newestMs = listed.reduce((newest, { createdAt }) => Math.max(newest, parseTime(createdAt) ?? 0), 0);
  let indexLost = false;
  const unread = indexes.filter(({ objectId }) => !cache.index.hasObject(objectId));
  for (let first = 0; first < unread.length; first += OBJECTS_PER_REQUEST_MAX) {
    const group = unread.slice(first, first + OBJECTS_PER_REQUEST_MAX);
    await parts.objects.announce(
      group.map(({ objectId }) => objectId),
      signal,
    );
    for (const { objectId, createdAt } of group) {
      // By the broker's clock alone, and by as much of it as the list shows.
      const isOld = (parseTime(createdAt) ?? 0) + LATE_REPORT_MS_MAX <= newestMs;
      const failure = await orLoss(readIndexObject(parts, { objectId, isOld, named }, listedIds, signal));
      if (failure === null) continue;
      indexLost = true;
      const detail = `an index of stored chunks cannot be read, ${objectId}: ${failure.message}`;
      parts.onEvent({ kind: 'warning', code: failure.code, detail });
    }
  }
  if (unread.length === indexes.length) indexLost = (await unpublishUnnamed(cache, listed, named)) || indexLost;
  if (indexLost) await readDirectories(parts, listed, signal);
  return listed;
}

/**
 * For whoever misses a chunk: open the objects that are listed and that neither an index nor this machine names, because
 * the index that did is gone. They are whole objects, and another machine may be about to publish them, so nobody opens
 * them without need.
 *
 * find   looks for everything that is wanted; throws a loss of data when some of it is missing
 */
export async function learnMissing(
  parts: Parameters<typeof readDirectories>[0],
  listed: readonly ListedObject[],
  find: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  if (unknownOf(parts.cache, listed).length === 0) return;
  try {
    await find();
  } catch (error) {
    if (!isLossOfData(error)) throw error;
    await readDirectories(parts, listed, signal);
  }
}

/**
 * All indexes were read: what is known, and named by none of them, is to be published anew. Returns whether some have to
 * be opened for that, since chunks of theirs are answered for by others.
 */
async function unpublishUnnamed(
  cache: ChunkIndexFile,
  listed: readonly ListedObject[],
  named: ReadonlySet<ObjectId>,
): Promise<boolean> {
  const { index, unpublished } = cache;
  const unnamed = listed.filter(
    ({ objectId, kind }) =>
      (kind === 'data' || kind === 'tree') &&
      index.hasObject(objectId) &&
      !named.has(objectId) &&
      !unpublished.has(objectId) &&
      !index.isCondemned(objectId),
  );
  if (unnamed.length === 0) return false;
  const entriesOf = index.entriesOf(new Set(unnamed.map(({ objectId }) => objectId)));
  const known = unnamed.map(({ objectId, kind }) => ({ objectId, kind, entries: entriesOf.get(objectId) ?? [] }));
  const isWhole = ({ entries }: { readonly entries: readonly { readonly index: number }[] }): boolean =>
    entries.length > 0 && entries.every((entry, i) => entry.index === i);
  await cache.unpublish(known.filter(isWhole));
  const partly = known.filter((object) => !isWhole(object)).map(({ objectId }) => objectId);
  await cache.forgetObjects(partly);
  return partly.length > 0;
}

function unknownOf(cache: ChunkIndexFile, listed: readonly ListedObject[]): ListedObject[] {
  return listed.filter(
    ({ objectId, kind }) => (kind === 'data' || kind === 'tree') && !cache.index.hasObject(objectId),
  );
}

/** Read the notices that this machine has not seen; returns the objects that are newly condemned. */
async function readMarks(
  parts: {
    cache: ChunkIndexFile;
    objects: Pick<ObjectCache, 'announce' | 'get'>;
    keys: DataKeys;
    onEvent: OnEvent;
  },
  listed: readonly ListedObject[],
  signal: AbortSignal,
): Promise<ObjectId[]> {
  const { cache } = parts;
  const isUnread = ({ kind, objectId }: ListedObject): boolean => kind === 'notice' && !cache.index.hasObject(objectId);
  const unread = listed.filter(isUnread).map(({ objectId }) => objectId);
  const condemned: ObjectId[] = [];
  for (let first = 0; first < unread.length; first += OBJECTS_PER_REQUEST_MAX) {
    const group = unread.slice(first, first + OBJECTS_PER_REQUEST_MAX);
    await parts.objects.announce(group, signal);
    for (const objectId of group) {
      const failure = await orLoss(
        (async () => {
          const object = await parts.objects.get(objectId, signal);
          const { entries } = openObject(object.key, object.bytes);
          const notice = decodeNotice(openChunk(parts.keys, object.key, object.bytes, entries[0]!));
          if (notice.notice === 'mark') {
            condemned.push(...notice.objects.filter((marked) => !cache.index.isCondemned(marked)));
            await cache.condemnObjects(notice.objects);
          }
          await cache.storePublished([{ objectId, entries }]);
        })(),
      );
      if (failure === null) continue;
      const detail = `a notice of another machine cannot be read, ${objectId}: ${failure.message}`;
      parts.onEvent({ kind: 'warning', code: failure.code, detail });
    }
  }
  return condemned;
}

/** Open every object that holds chunks and that no index named. Slow, and the last resort: whole objects are fetched. */
async function readDirectories(
  parts: { cache: ChunkIndexFile; objects: Pick<ObjectCache, 'announce' | 'get'>; onEvent: OnEvent },
  listed: readonly ListedObject[],
  signal: AbortSignal,
): Promise<void> {
  for (const { objectId } of unknownOf(parts.cache, listed)) {
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
  { objectId, isOld, named }: { objectId: ObjectId; isOld: boolean; named: Set<ObjectId> },
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
    for (const known of indexed) named.add(known.objectId);
    const stillThere = indexed.filter((known) => listedIds.has(known.objectId));
    const mayComeYet = (id: ObjectId): boolean => !isOld && !listedIds.has(id) && !parts.cache.index.isCondemned(id);
    if (indexed.some((known) => mayComeYet(known.objectId))) isComplete = false;
    await parts.cache.storePublished(
      stillThere.map((known) => ({
        objectId: known.objectId,
        entries: known.chunks.map((chunk, index) => ({ ...chunk, index })),
      })),
    );
  }
  // Last: an index object counts as read only when everything that it names is in the cache, or gone for good. What
  // another machine has just stored may be listed later than the index that names it.
  if (isComplete) await parts.cache.storePublished([{ objectId, entries }]);
}

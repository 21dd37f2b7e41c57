// Reads the whole account for a prune: what is listed, marked and held, where every chunk lies, and which are wanted.
import { type ListedObject, OBJECTS_PER_REQUEST_MAX, type ObjectId, ProtocolError } from '#protocol';
import { TreeReader } from '../get/tree-reader.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { decodeSnapshot } from '../trees/snapshot-codec.js';
import type { AccountStore } from './account-store.js';
import type { WeighedObject } from './decide-prune.js';
import { findLiveChunks, type LiveChunks } from './live-chunks.js';
import { isHeld, NoticeReader, type Notices, timeOf } from './notices.js';
import { LISTINGS_MAX } from './prune-limits.js';
import { StoredChunkMap } from './stored-chunks.js';

export interface ReadAccount {
  readonly notices: Notices;
  readonly listed: ReadonlyMap<ObjectId, ListedObject>;
  readonly snapshots: readonly StoredSnapshot[];
  readonly map: StoredChunkMap;
  readonly live: LiveChunks;
}

/**
 * The order is what the proof rests on: first the notices, then the list. What was forgotten while they were read might
 * have been written again under another id that the list has not, so then it is read again.
 *
 * throws   store_unsettled, and whatever keeps a part of it from being read: a prune acts on all of it or not at all
 */
export async function readAccount(store: AccountStore, signal: AbortSignal): Promise<ReadAccount> {
  for (let listings = 0; listings < LISTINGS_MAX; listings++) {
    const before = await store.list('snapshot', signal);
    const notices = await new NoticeReader(store).read(signal);
    const listed = new Map((await store.list(null, signal)).map((object) => [object.objectId, object]));
    if (before.some(({ objectId }) => !listed.has(objectId))) continue;

    const idsOf = (kind: ListedObject['kind']): ObjectId[] =>
      [...listed.values()].filter((object) => object.kind === kind).map(({ objectId }) => objectId);
    const map = await StoredChunkMap.read(
      store,
      { indexes: idsOf('index'), listed: new Set(listed.keys()), condemned: notices.ripeMs.keys() },
      signal,
    );
    const snapshots = await readEverySnapshot(store, idsOf('snapshot'), signal);
    const trees = new TreeReader(map.index, store);
    const live = await findLiveChunks({ trees, index: map.index }, snapshots, signal);
    return { notices, listed, snapshots, map, live };
  }
  throw new ProtocolError('store_unsettled');
}

/** Every data and tree object, weighed for the decision. */
export function weighObjects({ notices, listed, map, live }: ReadAccount): WeighedObject[] {
  const weighed: WeighedObject[] = [];
  for (const { objectId, kind, createdAt } of listed.values()) {
    if (kind !== 'data' && kind !== 'tree') continue;
    const createdMs = timeOf(createdAt);
    let chunkBytes = 0;
    let liveBytes = 0;
    let stranded = false;
    for (const { chunkId, storedBytes } of map.directoryOf(objectId)?.entries ?? []) {
      chunkBytes += storedBytes;
      if (!live.has(chunkId)) continue;
      const holder = map.index.get(chunkId)!.objectId;
      if (holder === objectId) liveBytes += storedBytes;
      if (map.index.isCondemned(holder)) stranded = true;
    }
    const ripeMs = notices.ripeMs.get(objectId) ?? null;
    const held = isHeld(notices, { objectId, createdMs });
    weighed.push({ objectId, kind, createdMs, chunkBytes, liveBytes, stranded, ripeMs, held });
  }
  return weighed;
}

async function readEverySnapshot(
  store: AccountStore,
  ids: readonly ObjectId[],
  signal: AbortSignal,
): Promise<StoredSnapshot[]> {
  const snapshots: StoredSnapshot[] = [];
  for (let first = 0; first < ids.length; first += OBJECTS_PER_REQUEST_MAX) {
    const group = ids.slice(first, first + OBJECTS_PER_REQUEST_MAX);
    await store.announce(group, signal);
    for (const id of group) {
      const { kind, entries } = await store.open(id, signal);
      const [entry] = entries;
      if (kind !== 'snapshot' || entry === undefined) {
        throw new ProtocolError('snapshot_damaged', { snapshot: id, reason: 'kind' });
      }
      snapshots.push({ id, snapshot: decodeSnapshot(await store.chunk({ objectId: id, entry }, signal)) });
    }
  }
  return snapshots;
}

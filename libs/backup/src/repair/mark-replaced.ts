// Marks lost objects whose chunks were stored anew, so that every machine looks for those in the new objects.
import { encodeBase64url, type ListedObject, type ObjectId, type PeerId } from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { AccountStore } from '../prune/account-store.js';
import type { MarkNotice } from '../prune/notice-codec.js';
import { publishNotice } from '../prune/notices.js';
import { GRACE_MS_DEFAULT } from '../prune/prune-limits.js';
import { StoredChunkMap } from '../prune/stored-chunks.js';

/**
 * A lost object is older than the new one, and so answers for a chunk in every index that does not know of the mark. A mark
 * permits nothing (docs/decisions: prune): only a prune that has read every snapshot deletes the object, after the grace,
 * when each chunk that is still needed has another holder. Snapshots, indexes and notices are never marked.
 *
 * lost     objects that cannot be had now: they may come back with their hosts
 * found    ids of chunks, as text, that are stored anew, with an index that names their new objects
 * throws   what storing a notice throws | local_disk
 */
export async function markReplaced(
  { store, machineId, cache }: MarkParts,
  request: {
    readonly listed: readonly ListedObject[];
    readonly lost: ReadonlyMap<ObjectId, unknown>;
    readonly found: ReadonlySet<string>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { listed, lost, found, signal } = request;
  if (found.size === 0) return;
  const unmarked = listed.filter(
    ({ objectId, kind }) =>
      (kind === 'data' || kind === 'tree') && lost.has(objectId) && !cache.index.isCondemned(objectId),
  );
  const indexes = listed.filter(({ objectId, kind }) => kind === 'index' && !lost.has(objectId));
  const replaced = new Set<ObjectId>();
  for (const index of indexes) {
    const map = await readIndex(store, index.objectId, signal);
    for (const { objectId } of unmarked) {
      const entries = map?.directoryOf(objectId)?.entries ?? [];
      if (entries.some(({ chunkId }) => found.has(encodeBase64url(chunkId)))) replaced.add(objectId);
    }
  }
  if (replaced.size === 0) return;
  const notice: MarkNotice = { notice: 'mark', machineId, graceMs: GRACE_MS_DEFAULT, objects: [...replaced] };
  await publishNotice(store, notice, signal);
  await cache.condemnObjects(replaced);
}

interface MarkParts {
  readonly store: AccountStore;
  readonly machineId: PeerId;
  readonly cache: Pick<ChunkIndexFile, 'index' | 'condemnObjects'>;
}

/** Null for an index that cannot be had: what it names stays unmarked, and nothing is lost by that. */
async function readIndex(store: AccountStore, objectId: ObjectId, signal: AbortSignal): Promise<StoredChunkMap | null> {
  try {
    return await StoredChunkMap.read(store, { indexes: [objectId], listed: new Set(), condemned: [] }, signal);
  } catch (error) {
    if (isLossOfData(error)) return null;
    throw error;
  }
}

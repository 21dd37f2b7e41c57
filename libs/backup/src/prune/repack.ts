// Copies wanted chunks out of objects that are to go, into new ones; and writes what a stored index says of objects.
import { OBJECTS_PER_REQUEST_MAX, type ObjectId, ProtocolError } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import { isLossOfData } from '../get/loss-of-data.js';
import { OBJECT_CHUNKS_MAX, OBJECT_TARGET_BYTES } from '../limits.js';
import { indexDocuments } from '../trees/index-documents.js';
import type { AccountStore, StoredChunks } from './account-store.js';
import { REPACK_RAW_BYTES_MAX } from './prune-limits.js';
import type { StoredChunkMap } from './stored-chunks.js';

const DOCUMENTS_PER_INDEX = 8;

/**
 * Copy chunks into new objects, data apart from trees; nothing is marked or published here.
 *
 * wanted   whether a chunk that lies in this object is to be copied, asked in order; and what is told of each that was had
 * returns  the new objects, and the sources that did not give something wanted; what they gave before is copied
 */
export async function repackChunks(
  { store, map }: { store: AccountStore; map: StoredChunkMap },
  sources: readonly ObjectId[],
  wanted: { is: (chunkId: Uint8Array, source: ObjectId) => boolean; had: (chunkId: Uint8Array) => unknown },
  signal: AbortSignal,
): Promise<{ readonly made: StoredChunks[]; readonly failed: ReadonlyMap<ObjectId, ProtocolError> }> {
  const made: StoredChunks[] = [];
  const failed = new Map<ObjectId, ProtocolError>();
  const read = async (location: ChunkLocation): Promise<Buffer | null> => {
    try {
      return await store.chunk(location, signal);
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      failed.set(location.objectId, error);
      return null;
    }
  };
  for (const kind of ['data', 'tree'] as const) {
    const ofKind = sources.filter((objectId) => map.directoryOf(objectId)?.kind === kind);
    let group: Buffer[] = [];
    let storedBytes = 0;
    let rawBytes = 0;
    const send = async (): Promise<void> => {
      if (group.length > 0) made.push(await store.store(kind, group, signal));
      group = [];
      storedBytes = 0;
      rawBytes = 0;
    };
    for (const [position, objectId] of ofKind.entries()) {
      if (position % OBJECTS_PER_REQUEST_MAX === 0) {
        await store.announce(ofKind.slice(position, position + OBJECTS_PER_REQUEST_MAX), signal);
      }
      for (const entry of map.directoryOf(objectId)!.entries) {
        if (!wanted.is(entry.chunkId, objectId)) continue;
        if (signal.aborted) throw new ProtocolError('interrupted');
        const plaintext = await read({ objectId, entry });
        if (plaintext === null) break;
        wanted.had(entry.chunkId);
        const isFull =
          storedBytes + entry.storedBytes > OBJECT_TARGET_BYTES ||
          rawBytes + entry.rawBytes > REPACK_RAW_BYTES_MAX ||
          group.length >= OBJECT_CHUNKS_MAX;
        if (isFull) await send();
        group.push(plaintext);
        storedBytes += entry.storedBytes;
        rawBytes += entry.rawBytes;
      }
    }
    await send();
  }
  return { made, failed };
}

/** Store index objects that name these, and let the broker hear of them. Returns how many. */
export async function publishIndex(
  store: AccountStore,
  objects: Iterable<StoredChunks>,
  signal: AbortSignal,
): Promise<number> {
  let indexes = 0;
  let documents: Buffer[] = [];
  for (const document of indexDocuments(objects)) {
    documents.push(document);
    if (documents.length < DOCUMENTS_PER_INDEX) continue;
    await store.store('index', documents, signal);
    indexes++;
    documents = [];
  }
  if (documents.length > 0) {
    await store.store('index', documents, signal);
    indexes++;
  }
  await store.settle(signal);
  return indexes;
}

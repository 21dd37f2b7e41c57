// Stores one snapshot document as an object of its own.
import type { ObjectId } from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { identifyChunk } from '../chunking/chunk-id.js';
import type { DataKeys } from '../keys.js';
import { ObjectBuilder } from '../objects/object-builder.js';
import type { RandomBytes } from '../objects/shuffle.js';
import type { ObjectUploader } from '../put/object-uploader.js';
import { encodeSnapshot, type Snapshot } from '../trees/snapshot-codec.js';

/** Resolves when it is safe on its hosts. Everything that it names must be safe before. */
export async function storeSnapshot(
  parts: {
    readonly keys: DataKeys;
    readonly cache: Pick<ChunkIndexFile, 'storeObject'>;
    readonly uploader: Pick<ObjectUploader, 'store'>;
    readonly randomBytes: RandomBytes;
    readonly newObjectId: () => ObjectId;
  },
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<ObjectId> {
  const builder = new ObjectBuilder(parts.keys, 'snapshot', parts.randomBytes);
  builder.add(identifyChunk(parts.keys.chunkIdKey, encodeSnapshot(snapshot)));
  const object = builder.seal(parts.newObjectId());
  await parts.uploader.store(object, signal);
  await parts.cache.storeObject(object);
  return object.objectId;
}

// What the store holds inside, for whoever looks for a fault: the documents and bytes behind snapshots.
import { type ListedObject, type ObjectId, ProtocolError } from '#protocol';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import { openChunk, openObject } from '../objects/open-object.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { IndexDecoder } from '../trees/index-codec.js';
import { SnapshotView } from '../view/snapshot-view.js';

export interface InternalParts {
  readonly keys: DataKeys;
  readonly objects: ObjectCache;
  readonly trees: TreeReader;
}

/** The directory of one object; sizes in bytes. */
export interface ObjectDocument {
  readonly objectId: ObjectId;
  readonly kind: string;
  readonly sizeBytes: number;
  readonly dataShards: number;
  readonly totalShards: number;
  readonly chunks: readonly { id: string; offset: number; storedBytes: number; rawBytes: number }[];
}

/** throws   object_unknown | as a loss of data does */
export async function readObjectDocument(
  { objects }: InternalParts,
  listed: readonly ListedObject[],
  objectId: string,
  signal: AbortSignal,
): Promise<ObjectDocument> {
  const known = listedObject(listed, objectId);
  const held = await objects.get(known.objectId, signal);
  const { kind, entries } = openObject(held.key, held.bytes);
  const { sizeBytes, dataShards, totalShards } = known;
  const chunks = entries.map(({ chunkId, offset, storedBytes, rawBytes }) => {
    return { id: Buffer.from(chunkId).toString('base64url'), offset, storedBytes, rawBytes };
  });
  return { objectId: known.objectId, kind, sizeBytes, dataShards, totalShards, chunks };
}

/** What an index object says: which chunks lie in which objects. throws object_unknown | as a loss of data does */
export async function readIndexDocument(
  { objects, keys }: InternalParts,
  listed: readonly ListedObject[],
  objectId: string,
  signal: AbortSignal,
): Promise<{ objectId: ObjectId; kind: number; chunks: number; rawBytes: number }[]> {
  const known = listedObject(listed, objectId, 'index');
  const { key, bytes } = await objects.get(known.objectId, signal);
  return openObject(key, bytes).entries.flatMap((entry) => {
    const decoder = new IndexDecoder();
    const named = decoder.push(openChunk(keys, key, bytes, entry));
    decoder.end();
    return named.map(({ objectId: id, kind, chunks }) => {
      return {
        objectId: id,
        kind,
        chunks: chunks.length,
        rawBytes: chunks.reduce((sum, one) => sum + one.rawBytes, 0),
      };
    });
  });
}

/** The bytes of one chunk, verified. throws chunk_missing | as a loss of data does */
export function readChunk({ objects, trees }: InternalParts, id: string, signal: AbortSignal): Promise<Buffer> {
  return objects.chunk(trees.locate(id), signal);
}

/** The stream of a folder as it is stored, JSON lines. throws path_missing | as a loss of data does */
export async function* readTreeStream(
  parts: InternalParts,
  { snapshot }: StoredSnapshot,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const steps = path.split('/').filter((name) => name !== '');
  const entry = await new SnapshotView(parts, snapshot).resolve(
    steps.map((name) => Buffer.from(name)),
    signal,
  );
  if (entry?.type !== 'dir')
    throw new ProtocolError('path_missing', { path }, { detail: `no folder ${path} in the snapshot` });
  for (const id of entry.subtree) yield await readChunk(parts, id, signal);
}

function listedObject(listed: readonly ListedObject[], objectId: string, kind?: ListedObject['kind']): ListedObject {
  const known = listed.find((object) => object.objectId === objectId && (kind === undefined || object.kind === kind));
  if (known === undefined) throw new ProtocolError('object_unknown', { objectId });
  return known;
}

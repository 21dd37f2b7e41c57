// The snapshots of a list, of which only those that nobody has read yet are read.
import type { ListedObject, ObjectId, ProtocolError } from '#protocol';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { readSnapshots, type StoredSnapshot } from '../snapshots/list-snapshots.js';

/** Oldest first. onLost: told of each that cannot be read now; it is tried again the next time. */
export async function reloadSnapshots(
  parts: { readonly objects: ObjectCache; readonly keys: DataKeys },
  listed: readonly ListedObject[],
  known: ReadonlyMap<ObjectId, StoredSnapshot>,
  signal: AbortSignal,
  onLost: (id: ObjectId, failure: ProtocolError) => void,
): Promise<StoredSnapshot[]> {
  const unread = listed.filter(({ objectId }) => !known.has(objectId));
  const fresh = await readSnapshots(parts, unread, signal, onLost);
  const kept = listed.flatMap(({ objectId }) => known.get(objectId) ?? []);
  return [...kept, ...fresh].sort(
    (left, right) => timeOf(left) - timeOf(right) || (left.id < right.id ? -1 : Number(left.id !== right.id)),
  );
}

function timeOf({ snapshot }: StoredSnapshot): number {
  return Date.parse(snapshot.time);
}

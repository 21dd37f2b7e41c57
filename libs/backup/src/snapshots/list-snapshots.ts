// The snapshots of the account: one small object each, found by the broker's list, opened with the master key.
import { type ListedObject, OBJECTS_PER_REQUEST_MAX, type ObjectId, ProtocolError } from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { openChunk, openObject } from '../objects/open-object.js';
import { decodeSnapshot, type Snapshot } from '../trees/snapshot-codec.js';

export interface StoredSnapshot {
  readonly id: ObjectId;
  readonly snapshot: Snapshot;
}

/** Read one snapshot. throws object_unavailable | object_damaged | snapshot_damaged | format_unsupported */
export async function readSnapshot(
  parts: { objects: ObjectCache; keys: DataKeys },
  id: ObjectId,
  signal: AbortSignal,
): Promise<StoredSnapshot> {
  const object = await parts.objects.get(id, signal);
  const { entries, kind } = openObject(object.key, object.bytes);
  const [entry] = entries;
  if (kind !== 'snapshot' || entry === undefined) throw new ProtocolError('snapshot_damaged', { reason: 'kind' });
  return { id, snapshot: decodeSnapshot(openChunk(parts.keys, object.key, object.bytes, entry)) };
}

/**
 * Read all snapshots, oldest first.
 *
 * onLost   told of each that cannot be read; the others are listed all the same
 */
export async function readSnapshots(
  parts: { objects: ObjectCache; keys: DataKeys },
  listed: readonly ListedObject[],
  signal: AbortSignal,
  onLost: (id: ObjectId, failure: ProtocolError) => void,
): Promise<StoredSnapshot[]> {
  const ids = listed.filter(({ kind }) => kind === 'snapshot').map(({ objectId }) => objectId);
  const snapshots: StoredSnapshot[] = [];
  for (let first = 0; first < ids.length; first += OBJECTS_PER_REQUEST_MAX) {
    const group = ids.slice(first, first + OBJECTS_PER_REQUEST_MAX);
    await parts.objects.announce(group, signal);
    for (const id of group) {
      try {
        snapshots.push(await readSnapshot(parts, id, signal));
      } catch (error) {
        if (!isLossOfData(error)) throw error;
        onLost(id, error);
      }
    }
  }
  return snapshots.sort(
    (left, right) => compareText(left.snapshot.time, right.snapshot.time) || compareText(left.id, right.id),
  );
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

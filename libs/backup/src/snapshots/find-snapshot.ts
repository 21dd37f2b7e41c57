// Finds the snapshot that a person means by a name: an id, a part of one, or `latest`.
import { type ListedObject, type ObjectId, ProtocolError } from '#protocol';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { filterSnapshots, type SnapshotFilter } from './filter-snapshots.js';
import { readSnapshot, readSnapshots, type StoredSnapshot } from './list-snapshots.js';

const PART_CHARS_MIN = 8;
export const LATEST = 'latest';

/**
 * Read the snapshot that is wanted. `latest` is the one with the latest time among those that pass the filter; an id
 * means that snapshot whatever the filter says.
 *
 * onLost   told of snapshots that cannot be read on the way to the latest
 * throws   snapshot_unknown | what readSnapshot throws, also when none is left of those that can be read
 */
export async function findSnapshot(
  parts: { objects: ObjectCache; keys: DataKeys },
  wanted: { readonly snapshot: string; readonly filter: SnapshotFilter; readonly listed: readonly ListedObject[] },
  signal: AbortSignal,
  onLost: (id: ObjectId, failure: ProtocolError) => void,
): Promise<StoredSnapshot> {
  const { snapshot, filter, listed } = wanted;
  if (snapshot !== LATEST) return readSnapshot(parts, resolveSnapshot(listed, snapshot), signal);
  const lost: ProtocolError[] = [];
  const readable = await readSnapshots(parts, listed, signal, (id, failure) => {
    lost.push(failure);
    onLost(id, failure);
  });
  const latest = filterSnapshots(readable, filter).at(-1);
  if (latest === undefined) {
    // One that cannot be read may be the one that is meant: that there is none would be a lie.
    throw lost[0] ?? new ProtocolError('snapshot_unknown', {}, { detail: 'there is no such snapshot yet' });
  }
  return latest;
}

/**
 * As findSnapshot, among snapshots that are read already. Pure.
 *
 * throws   snapshot_unknown
 */
export function resolveAmong(
  { snapshots, listed }: { readonly snapshots: readonly StoredSnapshot[]; readonly listed: readonly ListedObject[] },
  { snapshot, filter }: { readonly snapshot: string; readonly filter: SnapshotFilter },
): ObjectId {
  if (snapshot !== LATEST) return resolveSnapshot(listed, snapshot);
  const latest = filterSnapshots(snapshots, filter).at(-1);
  if (latest === undefined) throw new ProtocolError('snapshot_unknown', { snapshot });
  return latest.id;
}

/**
 * The snapshot with this id, or the only one whose id begins or ends with this text of 8 characters or more. Tables
 * show the ends (short-ids.ts). Pure.
 *
 * throws   snapshot_unknown
 */
export function resolveSnapshot(listed: readonly ListedObject[], wanted: string): ObjectId {
  const ids = listed.filter(({ kind }) => kind === 'snapshot').map(({ objectId }) => objectId);
  const isPart = (id: ObjectId): boolean => id.startsWith(wanted) || id.endsWith(wanted);
  const [only, ...others] = ids.filter((id) => id === wanted || (wanted.length >= PART_CHARS_MIN && isPart(id)));
  if (only === undefined) throw new ProtocolError('snapshot_unknown', { snapshot: wanted });
  if (others.length > 0) {
    throw new ProtocolError(
      'snapshot_unknown',
      { snapshot: wanted },
      { detail: 'several snapshots begin or end so: give more of the id' },
    );
  }
  return only;
}

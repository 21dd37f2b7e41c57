// Chooses the snapshot whose unchanged files need not be read again: the last one of this home and the same paths.
import { type ListedObject, type ObjectId, type PeerId, type ProtocolError, parseTime } from '#protocol';
import { isUnreadable } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { EVERY_SNAPSHOT } from '../snapshots/filter-snapshots.js';
import { findSnapshot } from '../snapshots/find-snapshot.js';
import { readSnapshot, type StoredSnapshot } from '../snapshots/list-snapshots.js';
import type { Snapshot } from '../trees/snapshot-codec.js';

/** So many are asked for at once, latest first: as a rule the first of them is the one. */
const SNAPSHOTS_AT_ONCE = 8;

/** What a run is about. */
export interface RunPlace {
  readonly hostname: string;
  /** Null when a person named the host: then snapshots are told apart by that name alone. */
  readonly machineId: PeerId | null;
  readonly paths: readonly string[];
  readonly timeMs: number;
}

/**
 * What a person wants: the last snapshot of the same place, a certain one, or none.
 */
export type WantedParent = 'detect' | 'none' | { readonly snapshot: string };

/**
 * The parent of a run; null when there is none.
 *
 * Whoever has the account's keys can store a snapshot that says it is of this machine, with the true sizes and times of its
 * files and other content. So only what this home wrote itself is found; what a person names is taken at its word.
 *
 * own      the snapshots that this home wrote
 * onLost   told of snapshots that cannot be read on the way
 * throws   snapshot_unknown for a certain one that there is not
 */
export async function findParent(
  parts: { objects: ObjectCache; keys: DataKeys },
  {
    wanted,
    place,
    listed,
    own,
  }: { wanted: WantedParent; place: RunPlace; listed: readonly ListedObject[]; own: readonly ObjectId[] },
  signal: AbortSignal,
  onLost: (id: ObjectId, failure: ProtocolError) => void,
): Promise<StoredSnapshot | null> {
  if (wanted === 'none') return null;
  if (wanted !== 'detect') {
    return findSnapshot(parts, { ...wanted, filter: EVERY_SNAPSHOT, listed }, signal, onLost);
  }
  // Ids rise with time.
  const ownIds = new Set(own);
  const ids = listed
    .filter(({ kind, objectId }) => kind === 'snapshot' && ownIds.has(objectId))
    .map(({ objectId }) => objectId)
    .sort()
    .reverse();
  for (let first = 0; first < ids.length; first += SNAPSHOTS_AT_ONCE) {
    const group = ids.slice(first, first + SNAPSHOTS_AT_ONCE);
    await parts.objects.announce(group, signal);
    for (const id of group) {
      const stored = await readSnapshot(parts, id, signal).catch((error: unknown) => {
        if (!isUnreadable(error)) throw error;
        onLost(id, error);
        return null;
      });
      if (stored !== null && isOfPlace(stored.snapshot, place)) return stored;
    }
  }
  return null;
}

/** Whether a snapshot is of the same machine, or host where the machine is not known, and of the same set of paths. Pure. */
export function isOfPlace(snapshot: Snapshot, { hostname, machineId, paths, timeMs }: RunPlace): boolean {
  if ((parseTime(snapshot.time) ?? Number.POSITIVE_INFINITY) > timeMs) return false;
  const isSameMachine =
    machineId === null || snapshot.machineId === undefined
      ? snapshot.hostname === hostname
      : snapshot.machineId === machineId;
  return isSameMachine && sameSet(snapshot.paths, paths);
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const [all, others] = [new Set(left), new Set(right)];
  return all.size === others.size && right.every((path) => all.has(path));
}

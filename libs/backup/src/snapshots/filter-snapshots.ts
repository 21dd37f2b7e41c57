// Which snapshots a command is about: by host, tags and paths, with restic's meaning. Pure.
import type { PeerId } from '#protocol';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { StoredSnapshot } from './list-snapshots.js';

/**
 * hosts    any of these; none: every host
 * tags     any of these lists; a snapshot matches a list when it has all of its tags. The tag '' stands for no tag at all.
 * paths    all of these must have been backed up, as absolute paths that were given to the backup
 */
export interface SnapshotFilter {
  readonly hosts: readonly string[];
  readonly tags: readonly (readonly string[])[];
  readonly paths: readonly string[];
}

export const EVERY_SNAPSHOT: SnapshotFilter = { hosts: [], tags: [], paths: [] };

/** In the order of the list. */
export function filterSnapshots<T extends Pick<StoredSnapshot, 'snapshot'>>(
  list: readonly T[],
  filter: SnapshotFilter,
): T[] {
  return list.filter(({ snapshot }) => {
    if (filter.hosts.length > 0 && !filter.hosts.includes(snapshot.hostname)) return false;
    if (filter.tags.length > 0 && !filter.tags.some((wanted) => hasTags(snapshot.tags, wanted))) return false;
    return filter.paths.every((path) => snapshot.paths.includes(path));
  });
}

/** Which snapshots one backup of one machine makes: of exactly these paths, under exactly these tags. */
export interface BackupPlace {
  readonly machineId: PeerId;
  /** Absolute. */
  readonly paths: readonly string[];
  readonly tags: readonly string[];
}

/** Whether a snapshot is of just this backup; one that does not say which machine made it is of none. */
export function isOfBackup(snapshot: Snapshot, { machineId, paths, tags }: BackupPlace): boolean {
  if (snapshot.machineId !== machineId) return false;
  return isSameSet(snapshot.paths, paths) && isSameSet(snapshot.tags, tags);
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const [one, other] = [new Set(left), new Set(right)];
  return one.size === other.size && [...one].every((text) => other.has(text));
}

export function isEveryone({ hosts, tags, paths }: SnapshotFilter): boolean {
  return hosts.length === 0 && tags.length === 0 && paths.length === 0;
}

/** Does a snapshot with these tags have all that are wanted? The tag '' is had by a snapshot without any. */
export function hasTags(tags: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((tag) => (tag === '' ? tags.length === 0 : tags.includes(tag)));
}

/**
 * Of snapshots, oldest first, the last `count` of each host with the same paths (`snapshots --latest`).
 */
export function lastOfEachPlace<T extends Pick<StoredSnapshot, 'snapshot'>>(list: readonly T[], count: number): T[] {
  const taken = new Map<string, number>();
  const kept = list.toReversed().filter(({ snapshot }) => {
    const place = JSON.stringify([snapshot.hostname, snapshot.paths.toSorted()]);
    const before = taken.get(place) ?? 0;
    taken.set(place, before + 1);
    return before < count;
  });
  return kept.reverse();
}

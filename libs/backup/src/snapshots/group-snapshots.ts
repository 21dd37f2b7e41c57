// Snapshots in groups of the same host, paths or tags, as `--group-by` of snapshots and forget says. Pure.
import { ProtocolError } from '#protocol';
import type { StoredSnapshot } from './list-snapshots.js';

export const GROUPINGS = ['host', 'paths', 'tags'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What the snapshots of a group share; null for what they are not grouped by. Paths and tags are sorted. */
export interface GroupKey {
  readonly hostname: string | null;
  readonly paths: readonly string[] | null;
  readonly tags: readonly string[] | null;
}

export interface SnapshotGroup<T> {
  readonly key: GroupKey;
  /** In the order of the list. */
  readonly snapshots: readonly T[];
}

/** `host,paths`; an empty text is no grouping. throws usage */
export function parseGroupings(text: string): Grouping[] {
  const names = text === '' ? [] : text.split(',').map((name) => name.trim());
  return names.map((name) => {
    // restic takes both forms of these names.
    const grouping = GROUPINGS.find((known) => known === name || `${known}s` === name || known === `${name}s`);
    if (grouping === undefined) {
      throw new ProtocolError('usage', {}, { detail: `--group-by ${name}: only host, paths and tags` });
    }
    return grouping;
  });
}

/** Groups in the order of their keys. Without groupings, all of them in one group; none for an empty list. */
export function groupSnapshots<T extends Pick<StoredSnapshot, 'snapshot'>>(
  list: readonly T[],
  by: readonly Grouping[],
): SnapshotGroup<T>[] {
  const groups = new Map<string, { key: GroupKey; snapshots: T[] }>();
  for (const stored of list) {
    const { hostname, paths, tags } = stored.snapshot;
    const key: GroupKey = {
      hostname: by.includes('host') ? hostname : null,
      paths: by.includes('paths') ? paths.toSorted() : null,
      tags: by.includes('tags') ? tags.toSorted() : null,
    };
    const text = JSON.stringify([key.hostname, key.paths, key.tags]);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, { key, snapshots: [stored] });
    else group.snapshots.push(stored);
  }
  return [...groups].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, group]) => group);
}

// How many snapshots are laid out as folders, as restic's mount does: by time, by id, by host, by tag. Pure.
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';

/** A folder that no snapshot holds: its children by name. A leaf is a snapshot's root. */
export type SnapshotFolder = ReadonlyMap<string, SnapshotFolder | StoredSnapshot>;

const LATEST = 'latest';

/**
 *     ids/<id>   snapshots/<time>   hosts/<host>/<time>   tags/<tag>/<time>   latest
 *
 * and `latest` in each folder of times. Times are UTC to the second; of snapshots of one second all but the first have
 * their number behind it. A host or tag that is no name of a folder (empty, `.`, `..`, with a slash) has its odd
 * characters percent-encoded.
 *
 * snapshots   oldest first
 */
export function snapshotFolders(snapshots: readonly StoredSnapshot[]): SnapshotFolder {
  const hosts = new Map<string, StoredSnapshot[]>();
  const tags = new Map<string, StoredSnapshot[]>();
  for (const stored of snapshots) {
    addTo(hosts, stored.snapshot.hostname, stored);
    for (const tag of stored.snapshot.tags) addTo(tags, tag, stored);
  }
  const root = new Map<string, SnapshotFolder | StoredSnapshot>([
    ['hosts', groupFolder(hosts)],
    ['ids', new Map(snapshots.map((stored) => [stored.id, stored]))],
    ['snapshots', timeFolder(snapshots)],
    ['tags', groupFolder(tags)],
  ]);
  const latest = snapshots.at(-1);
  if (latest !== undefined) root.set(LATEST, latest);
  return root;
}

/** Whether a child of a folder is a snapshot's root. */
export function isSnapshot(child: SnapshotFolder | StoredSnapshot): child is StoredSnapshot {
  return !(child instanceof Map);
}

function groupFolder(groups: ReadonlyMap<string, readonly StoredSnapshot[]>): SnapshotFolder {
  return new Map([...groups].map(([name, snapshots]) => [folderName(name), timeFolder(snapshots)]));
}

function timeFolder(snapshots: readonly StoredSnapshot[]): SnapshotFolder {
  const folder = new Map<string, StoredSnapshot>();
  for (const stored of snapshots) {
    const time = `${stored.snapshot.time.slice(0, 'YYYY-MM-DDThh:mm:ss'.length)}Z`;
    let name = time;
    for (let number = 1; folder.has(name); number++) name = `${time}-${number}`;
    folder.set(name, stored);
  }
  const latest = snapshots.at(-1);
  if (latest !== undefined) folder.set(LATEST, latest);
  return folder;
}

function folderName(name: string): string {
  if (name === '') return '%';
  if (name === '.' || name === '..') return name.replaceAll('.', '%2E');
  return name.replaceAll(/[%/\0]/g, (character) => encodeURIComponent(character));
}

function addTo(groups: Map<string, StoredSnapshot[]>, name: string, stored: StoredSnapshot): void {
  const group = groups.get(name);
  if (group === undefined) groups.set(name, [stored]);
  else group.push(stored);
}

/**
 * Walks the folders of a backup: every entry once, a directory's entries in byte order of their names, children before
 * their directory is left.
 *
 * Nothing is followed, so nothing is met twice and there are no loops. What cannot be read is an event; it never ends
 * the walk. Calls are synchronous, which is 20 times quicker than asking the thread pool for each entry; the walk
 * pauses every WALK_STEPS_PER_TURN entries so that the network is served meanwhile.
 */
import { type BigIntStats, type Dir, lstatSync, opendirSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type DeviceNumber, deviceNumberOf } from './device-number.js';
import { errnoOf, type SkipReason, skipReasonOf } from './disk-failure.js';
import { type EntryStat, entryStatOf } from './entry-stat.js';
import { DIRECTORY_NAMES_MAX, DIRECTORY_READ_BATCH, WALK_STEPS_PER_TURN } from './file-limits.js';
import type { WalkRoots } from './walk-roots.js';

/** `path` is absolute; `name` and `path` are raw bytes. The root has depth 0, an empty name, and its entries depth 1. */
export interface WalkPlace {
  readonly path: Buffer;
  readonly name: Buffer;
  readonly depth: number;
}

/** The root of several paths is no directory of the disk: its path is empty and its stat null. */
export type WalkEvent =
  | (WalkPlace & { readonly type: 'enter-dir' | 'leave-dir'; readonly stat: EntryStat | null })
  | (WalkPlace & { readonly type: 'file'; readonly stat: EntryStat })
  | (WalkPlace & { readonly type: 'symlink'; readonly stat: EntryStat; readonly linkTarget: Buffer })
  | (WalkPlace & SpecialKind & { readonly type: 'special'; readonly stat: EntryStat })
  | (WalkPlace & { readonly type: 'skipped'; readonly reason: SkipReason; readonly errno: string });

/** What has no bytes of its own. `device` says which device the two kinds of them are. */
export type SpecialKind =
  | { readonly special: 'fifo' | 'socket'; readonly device?: undefined }
  | { readonly special: 'chardev' | 'blockdev'; readonly device: DeviceNumber };

/** True for an entry to leave out, with all below it. `path` is absolute. */
export type Omit = (path: Buffer) => boolean;

/**
 * Walk the roots. The first event enters the root and the last one leaves it, unless the root itself is skipped.
 *
 * roots   from resolveRoots; they are walked even when `omit` would leave them out
 * omit    asked for each entry below the roots; what it leaves out gives no event
 */
export async function* walk(roots: WalkRoots, omit: Omit = () => false): AsyncGenerator<WalkEvent> {
  const rootPlace: WalkPlace = { path: roots.directory ?? Buffer.alloc(0), name: Buffer.alloc(0), depth: 0 };
  const root = roots.directory === null ? listedRoot(rootPlace, roots) : await openEntry(rootPlace);
  if (root.event !== undefined) {
    yield root.event;
    return;
  }

  const open: OpenDirectory[] = [root.directory];
  yield { ...root.directory.place, type: 'enter-dir', stat: root.directory.stat };
  let steps = 0;
  for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
    steps += 1;
    if (steps % WALK_STEPS_PER_TURN === 0) await nextTurn();

    const child = directory.children[directory.next];
    if (child === undefined) {
      open.pop();
      yield { ...directory.place, type: 'leave-dir', stat: directory.stat };
      continue;
    }
    directory.next += 1;
    const place = directory.placeOf(child);
    const below = directory !== root.directory || roots.directory !== null;
    if (below && omit(place.path)) continue;
    const opened = await openEntry(place);
    if (opened.event !== undefined) {
      yield opened.event;
      continue;
    }
    open.push(opened.directory);
    yield { ...place, type: 'enter-dir', stat: opened.directory.stat };
  }
}

/**
 * A directory whose children are being walked. Names are kept as latin1 text: one byte a character, so the text
 * compares as the bytes do, and it is a fifth of the memory of buffers.
 */
class OpenDirectory {
  next = 0;

  constructor(
    readonly place: WalkPlace,
    readonly stat: EntryStat | null,
    readonly children: readonly string[],
    readonly placeOf: (child: string) => WalkPlace,
  ) {}
}

type OpenedEntry = { event: WalkEvent; directory?: undefined } | { event?: undefined; directory: OpenDirectory };

function listedRoot(place: WalkPlace, roots: WalkRoots): OpenedEntry {
  const byName = new Map(roots.entries.map((entry) => [entry.name.toString('latin1'), entry]));
  const placeOf = (child: string) => ({ ...byName.get(child)!, depth: 1 });
  return { directory: new OpenDirectory(place, null, [...byName.keys()], placeOf) };
}

async function openEntry(place: WalkPlace): Promise<OpenedEntry> {
  try {
    const stats = lstatSync(place.path, { bigint: true });
    if (stats.isDirectory()) return await openDirectory(place, entryStatOf(stats));
    return { event: leafEvent(place, stats) };
  } catch (error) {
    const errno = errnoOf(error);
    return { event: { ...place, type: 'skipped', reason: skipReasonOf(errno), errno } };
  }
}

function leafEvent(place: WalkPlace, stats: BigIntStats): WalkEvent {
  const stat = entryStatOf(stats);
  // Most entries are files, and spreading a place takes as long as all the rest of this.
  const { path, name, depth } = place;
  if (stats.isFile()) return { path, name, depth, type: 'file', stat };
  if (stats.isSymbolicLink()) {
    return { ...place, type: 'symlink', stat, linkTarget: readlinkSync(place.path, { encoding: 'buffer' }) };
  }
  const special = specialOf(stats);
  if (special === null) return { ...place, type: 'skipped', reason: 'special_file', errno: '' };
  return { ...place, type: 'special', stat, ...special };
}

/** Null for a kind of file that Linux has not. */
function specialOf(stats: BigIntStats): SpecialKind | null {
  if (stats.isFIFO()) return { special: 'fifo' };
  if (stats.isSocket()) return { special: 'socket' };
  if (stats.isCharacterDevice()) return { special: 'chardev', device: deviceNumberOf(stats.rdev) };
  if (stats.isBlockDevice()) return { special: 'blockdev', device: deviceNumberOf(stats.rdev) };
  return null;
}

async function openDirectory(place: WalkPlace, stat: EntryStat): Promise<OpenedEntry> {
  const names = await readNames(place.path);
  if (names === null) return { event: { ...place, type: 'skipped', reason: 'too_many_entries', errno: '' } };
  const prefix = place.path.toString('latin1').replace(/\/?$/, '/');
  const depth = place.depth + 1;
  const placeOf = (child: string) => ({
    path: Buffer.from(prefix + child, 'latin1'),
    name: Buffer.from(child, 'latin1'),
    depth,
  });
  return { directory: new OpenDirectory(place, stat, names, placeOf) };
}

/** All names of a directory as sorted latin1 text; null above DIRECTORY_NAMES_MAX. */
async function readNames(path: Buffer): Promise<string[] | null> {
  // Path and names are both buffers: Node cannot join a text with a buffer where the disk does not tell entry types.
  const directory = opendirSync(path, { encoding: 'buffer' as BufferEncoding, bufferSize: DIRECTORY_READ_BATCH });
  try {
    const names: string[] = [];
    for (let name = nextName(directory); name !== null; name = nextName(directory)) {
      if (names.length === DIRECTORY_NAMES_MAX) return null;
      names.push(name);
      if (names.length % DIRECTORY_READ_BATCH === 0) await nextTurn();
    }
    return names.sort();
  } finally {
    directory.closeSync();
  }
}

function nextName(directory: Dir): string | null {
  const entry = directory.readSync();
  return entry === null ? null : (entry.name as unknown as Buffer).toString('latin1');
}

// A snapshot as a read-only file system: find an entry by its path, list a folder, read a part of a file.
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { DirectoryEntry, FileEntry, TreeEntry } from '../trees/tree-codec.js';
import { DirectoryListings } from './directory-listings.js';
import { type ByteRange, readRange } from './read-range.js';

export interface ViewParts {
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
  /** Shared by the views of many snapshots, since most of their folders are the same. */
  readonly listings?: DirectoryListings;
}

/**
 * Nothing is fetched before it is asked for; calls may run side by side. Paths are names as they are stored, raw bytes;
 * symbolic links are entries and are never followed. All methods throw what a loss of data does (object_unavailable,
 * chunk_missing, snapshot_damaged, ...), broker_unreachable and interrupted.
 */
export class SnapshotView {
  /** The folder of the paths that were backed up. It has no name, owner or mode of its own. */
  readonly root: DirectoryEntry;
  private readonly listings: DirectoryListings;

  constructor(
    private readonly parts: ViewParts,
    readonly snapshot: Snapshot,
  ) {
    this.listings = parts.listings ?? new DirectoryListings(parts.trees);
    this.root = {
      type: 'dir',
      name: new Uint8Array(0),
      mode: 0o755,
      mtimeNs: BigInt(Date.parse(snapshot.time)) * 1_000_000n,
      uid: 0,
      gid: 0,
      subtree: snapshot.root,
    };
  }

  /** The entry that these steps from the root lead to; null when there is none. No steps: the root itself. */
  async resolve(steps: readonly Uint8Array[], signal: AbortSignal): Promise<TreeEntry | null> {
    let entry: TreeEntry | null = this.root;
    for (const name of steps) {
      if (entry?.type !== 'dir') return null;
      entry = await this.find(entry, name, signal);
    }
    return entry;
  }

  /** One entry of a folder; null when it has none of that name. */
  find(directory: DirectoryEntry, name: Uint8Array, signal: AbortSignal): Promise<TreeEntry | null> {
    return this.listings.find(directory, name, signal);
  }

  /** The entries of a folder in byte order of their names. */
  list(directory: DirectoryEntry, signal: AbortSignal): AsyncIterable<TreeEntry> {
    return this.listings.entries(directory, signal);
  }

  /** The bytes of a file from `start` up to and without `end`, chunk by chunk, each verified; the whole file without a range. */
  read(file: FileEntry, signal: AbortSignal, range?: ByteRange): AsyncGenerator<Buffer> {
    return readRange(this.parts, file, range ?? { start: 0, end: file.sizeBytes }, signal);
  }
}

// All snapshots as one read-only file system: the folders that group them, and below those what each holds.
import type { Clock } from '#process';
import { isRefusal, type ObjectId } from '#protocol';
import type { OnEvent } from '../ports.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import type { TreeEntry } from '../trees/tree-codec.js';
import { DirectoryListings } from './directory-listings.js';
import { isSnapshot, type SnapshotFolder, snapshotFolders } from './snapshot-folders.js';
import { SnapshotView, type ViewParts } from './snapshot-view.js';

/** Snapshots of other machines show up after so long. */
const REFRESH_AFTER_MS = 60_000;

/** A folder of snapshots, or an entry of one with the view that reads it. `name` is its own, raw bytes. */
export type ViewNode =
  | { readonly kind: 'folder'; readonly name: Uint8Array; readonly folder: SnapshotFolder }
  | {
      readonly kind: 'entry';
      readonly name: Uint8Array;
      readonly entry: TreeEntry;
      readonly view: SnapshotView;
    };

export interface BackupViewParts extends ViewParts {
  readonly clock: Clock;
  readonly onEvent: OnEvent;
  /** Bring the cache up to date and read the snapshots, oldest first, without those that `known` has. */
  readonly load: (known: ReadonlyMap<ObjectId, StoredSnapshot>) => Promise<StoredSnapshot[]>;
}

/** Made by BackupEngine.view, and good while that engine is open. Calls may run side by side. */
export class BackupView {
  private readonly listings: DirectoryListings;
  private folders: SnapshotFolder = new Map();
  private known: ReadonlyMap<ObjectId, StoredSnapshot> = new Map();
  private refreshedMs = Number.NEGATIVE_INFINITY;
  private refreshing: Promise<void> | null = null;
  private readers = 0;

  private constructor(private readonly parts: BackupViewParts) {
    this.listings = new DirectoryListings(parts.trees);
  }

  /** throws broker_unreachable | interrupted | ... */
  static async open(parts: BackupViewParts): Promise<BackupView> {
    const view = new BackupView(parts);
    await view.load();
    return view;
  }

  /** Oldest first. */
  get snapshots(): readonly StoredSnapshot[] {
    return [...this.known.values()];
  }

  of({ snapshot }: StoredSnapshot): SnapshotView {
    return new SnapshotView({ ...this.parts, listings: this.listings }, snapshot);
  }

  /**
   * Run something that reads. The list of snapshots is renewed before it when that is due and nobody else reads: chunks that a
   * renewal moves would be missed by whoever is looking for them meanwhile.
   */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    if (this.refreshing === null && this.isDue()) {
      this.refreshing = this.refresh().finally(() => {
        this.refreshing = null;
      });
    }
    if (this.refreshing !== null) await this.refreshing;
    this.readers++;
    try {
      return await read();
    } finally {
      this.readers--;
    }
  }

  /** What these steps lead to; null when there is nothing. Within `reading`, as the other two. */
  async resolve(steps: readonly Uint8Array[], signal: AbortSignal): Promise<ViewNode | null> {
    let node: ViewNode = { kind: 'folder', name: new Uint8Array(0), folder: this.folders };
    for (const name of steps) {
      if (node.kind === 'folder') {
        const child: SnapshotFolder | StoredSnapshot | undefined = node.folder.get(Buffer.from(name).toString());
        if (child === undefined) return null;
        node = this.nodeOf(name, child);
        continue;
      }
      const { view, entry }: Extract<ViewNode, { kind: 'entry' }> = node;
      const next = entry.type === 'dir' ? await view.find(entry, name, signal) : null;
      if (next === null) return null;
      node = { kind: 'entry', name, entry: next, view };
    }
    return node;
  }

  /** The children of a folder; nothing for anything else. */
  async *children(node: ViewNode, signal: AbortSignal): AsyncGenerator<ViewNode> {
    if (node.kind === 'folder') {
      for (const [name, child] of node.folder) yield this.nodeOf(Buffer.from(name), child);
      return;
    }
    const { entry, view } = node;
    if (entry.type !== 'dir') return;
    for await (const child of view.list(entry, signal)) yield { kind: 'entry', name: child.name, entry: child, view };
  }

  private nodeOf(name: Uint8Array, child: SnapshotFolder | StoredSnapshot): ViewNode {
    if (!isSnapshot(child)) return { kind: 'folder', name, folder: child };
    const view = this.of(child);
    return { kind: 'entry', name, entry: view.root, view };
  }

  private isDue(): boolean {
    return this.readers === 0 && this.parts.clock.monotonicMs() - this.refreshedMs >= REFRESH_AFTER_MS;
  }

  /** A broker that is away leaves the view as it was. */
  private async refresh(): Promise<void> {
    try {
      await this.load();
    } catch (error) {
      if (!isRefusal(error) || error.code === 'interrupted') throw error;
      this.refreshedMs = this.parts.clock.monotonicMs();
      const detail = `the list of snapshots is not up to date: ${error.message}`;
      this.parts.onEvent({ kind: 'warning', code: error.code, detail });
    }
  }

  private async load(): Promise<void> {
    const snapshots = await this.parts.load(this.known);
    this.known = new Map(snapshots.map((stored) => [stored.id, stored]));
    this.folders = snapshotFolders(snapshots);
    this.refreshedMs = this.parts.clock.monotonicMs();
  }
}

// What changed from one snapshot to another: both are walked side by side, and a folder that both share is not compared.
import { ProtocolError } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { DirectoryEntry, TreeEntry } from '../trees/tree-codec.js';
import { SnapshotView } from '../view/snapshot-view.js';
import { ChunkSet } from './chunk-set.js';

/** `modifier`: restic's letters, + added, - removed, T another type, M another content, U other metadata. */
export interface SnapshotChange {
  readonly path: string;
  readonly modifier: string;
}

/** `bytes` are those of chunks that only this side has, as files and folders read them. */
export interface DiffSide {
  files: number;
  dirs: number;
  others: number;
  dataChunks: number;
  treeChunks: number;
  bytes: number;
}

export interface DiffSummary {
  readonly changedFiles: number;
  readonly added: DiffSide;
  readonly removed: DiffSide;
}

/**
 * metadata   also tell entries that differ in mode, times, owner or attributes alone
 * onChange   told in the order of paths; the path of a folder ends with a slash
 * throws     interrupted | as a loss of data does
 */
export async function diffSnapshots(
  parts: { readonly trees: TreeReader; readonly index: ChunkIndex; readonly objects: ObjectCache },
  snapshots: { readonly from: Snapshot; readonly to: Snapshot },
  metadata: boolean,
  onChange: (change: SnapshotChange) => void,
  signal: AbortSignal,
): Promise<DiffSummary> {
  return new Diff(parts, metadata, onChange, signal).run(snapshots.from, snapshots.to);
}

/** One side of the comparison: what only it has is counted there. */
interface Side {
  readonly view: SnapshotView;
  readonly sign: '+' | '-';
  readonly counts: DiffSide;
  readonly chunks: { readonly data: ChunkSet; readonly trees: ChunkSet };
}

class Diff {
  private changedFiles = 0;

  constructor(
    private readonly parts: { readonly trees: TreeReader; readonly index: ChunkIndex; readonly objects: ObjectCache },
    private readonly metadata: boolean,
    private readonly onChange: (change: SnapshotChange) => void,
    private readonly signal: AbortSignal,
  ) {}

  async run(from: Snapshot, to: Snapshot): Promise<DiffSummary> {
    const old = this.sideOf(from, '-');
    const fresh = this.sideOf(to, '+');
    await this.compareFolders('/', old, old.view.root, fresh, fresh.view.root);
    // Counted afterwards: a chunk that the other side has elsewhere is no new one.
    await this.countChunks(old, fresh, from, to);
    return { changedFiles: this.changedFiles, added: fresh.counts, removed: old.counts };
  }

  private sideOf(snapshot: Snapshot, sign: '+' | '-'): Side {
    return {
      view: new SnapshotView(this.parts, snapshot),
      sign,
      counts: { files: 0, dirs: 0, others: 0, dataChunks: 0, treeChunks: 0, bytes: 0 },
      chunks: { data: new ChunkSet(this.parts.index), trees: new ChunkSet(this.parts.index) },
    };
  }

  private async compareFolders(
    path: string,
    old: Side,
    oldFolder: DirectoryEntry,
    fresh: Side,
    newFolder: DirectoryEntry,
  ): Promise<void> {
    if (sameList(oldFolder.subtree, newFolder.subtree)) return;
    const left = this.entriesOf(old, oldFolder);
    const right = this.entriesOf(fresh, newFolder);
    let [a, b] = [await left.next(), await right.next()];
    while (a.done !== true || b.done !== true) {
      if (this.signal.aborted) throw new ProtocolError('interrupted');
      const order = a.done === true ? 1 : b.done === true ? -1 : Buffer.compare(a.value.name, b.value.name);
      if (order < 0) await this.tellWhole(old, path, a.value!);
      else if (order > 0) await this.tellWhole(fresh, path, b.value!);
      else await this.compare(path, old, a.value!, fresh, b.value!);
      if (order <= 0) a = await left.next();
      if (order >= 0) b = await right.next();
    }
  }

  private async compare(path: string, old: Side, before: TreeEntry, fresh: Side, after: TreeEntry): Promise<void> {
    const letters: string[] = [];
    if (before.type !== after.type) letters.push('T');
    if (before.type === 'file' && after.type === 'file' && !(await this.sameContent(before, after))) {
      letters.push('M');
      this.changedFiles++;
    } else if (this.metadata && !sameMetadata(before, after)) letters.push('U');
    if (letters.length > 0) this.onChange({ path: pathOf(path, after), modifier: letters.join('') });
    if (before.type === 'dir' && after.type === 'dir') {
      return this.compareFolders(pathOf(path, after), old, before, fresh, after);
    }
    // A file where a folder was, or the other way round: what was below has gone, or come.
    if (before.type === 'dir') await this.tellBelow(old, pathOf(path, before), before);
    if (after.type === 'dir') await this.tellBelow(fresh, pathOf(path, after), after);
  }

  private async sameContent(
    before: TreeEntry & { type: 'file' },
    after: TreeEntry & { type: 'file' },
  ): Promise<boolean> {
    if (before.sizeBytes !== after.sizeBytes) return false;
    return (
      sameList(before.content ?? [], after.content ?? []) && sameList(before.contentOf ?? [], after.contentOf ?? [])
    );
  }

  private async tellWhole(side: Side, path: string, entry: TreeEntry): Promise<void> {
    this.onChange({ path: pathOf(path, entry), modifier: side.sign });
    if (entry.type === 'file') side.counts.files++;
    else if (entry.type === 'dir') side.counts.dirs++;
    else side.counts.others++;
    if (entry.type === 'dir') await this.tellBelow(side, pathOf(path, entry), entry);
  }

  private async tellBelow(side: Side, path: string, folder: DirectoryEntry): Promise<void> {
    for await (const entry of this.entriesOf(side, folder)) {
      if (this.signal.aborted) throw new ProtocolError('interrupted');
      await this.tellWhole(side, path, entry);
    }
  }

  private async countChunks(old: Side, fresh: Side, from: Snapshot, to: Snapshot): Promise<void> {
    await this.collect(old, from);
    await this.collect(fresh, to);
    this.count(old, fresh);
    this.count(fresh, old);
  }

  private count(side: Side, other: Side): void {
    for (const [kind, set] of [
      ['dataChunks', 'data'],
      ['treeChunks', 'trees'],
    ] as const) {
      side.chunks[set].forEachNotIn(other.chunks[set], ({ rawBytes }) => {
        side.counts[kind]++;
        side.counts.bytes += rawBytes;
      });
    }
  }

  private async collect({ chunks }: Side, snapshot: Snapshot): Promise<void> {
    for (const id of snapshot.root) chunks.trees.add(id);
    // A folder whose chunks are all known was walked already.
    const descend = (_parents: readonly Uint8Array[], { subtree }: DirectoryEntry): boolean => {
      let isNew = false;
      for (const id of subtree) if (chunks.trees.add(id) !== null) isNew = true;
      return isNew;
    };
    for await (const next of this.parts.trees.walk(snapshot.root, descend, this.signal)) {
      if (this.signal.aborted) throw new ProtocolError('interrupted');
      if (next.step === 'lost') throw next.failure;
      if (next.step === 'leave' || next.entry.type !== 'file') continue;
      for (const id of next.entry.contentOf ?? []) chunks.trees.add(id);
      for await (const id of this.parts.trees.contentOf(next.entry, this.signal)) chunks.data.add(id);
    }
  }

  private entriesOf(side: Side, folder: DirectoryEntry): AsyncIterator<TreeEntry> & AsyncIterable<TreeEntry> {
    return side.view.list(folder, this.signal)[Symbol.asyncIterator]() as AsyncIterator<TreeEntry> &
      AsyncIterable<TreeEntry>;
  }
}

function sameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id, i) => id === right[i]);
}

/** Everything but the content. The entries of a folder are compared by themselves. */
function sameMetadata(left: TreeEntry, right: TreeEntry): boolean {
  return describe(left) === describe(right);
}

function describe(entry: TreeEntry): string {
  const {
    content: _content,
    contentOf: _contentOf,
    subtree: _subtree,
    ...rest
  } = entry as unknown as Record<string, unknown>;
  return JSON.stringify(rest, (_key, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
}

function pathOf(folder: string, entry: TreeEntry): string {
  return `${folder}${Buffer.from(entry.name).toString()}${entry.type === 'dir' ? '/' : ''}`;
}

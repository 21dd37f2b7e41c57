// How much snapshots hold and how much of it is stored, in restic's four ways of counting.
import { createHash } from 'node:crypto';
import { type ListedObject, ProtocolError } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import type { DirectoryEntry, FileEntry, TreeEntry } from '../trees/tree-codec.js';
import { ChunkSet } from './chunk-set.js';

export const STATS_MODES = ['restore-size', 'files-by-contents', 'blobs-per-file', 'raw-data'] as const;
export type StatsMode = (typeof STATS_MODES)[number];

/**
 * totalBytes   restore-size: what a restore writes. files-by-contents: files of equal content once. blobs-per-file: the
 *              chunks of each file, each once in a file. raw-data: chunks as they are stored, compressed and sealed
 * files        entries of all types for restore-size, files for the next two; null for raw-data
 * chunks       null where chunks are not counted
 * rawBytes     raw-data: the same chunks before compression
 * account      raw-data: everything that the account has stored, whatever the snapshots
 */
export interface SnapshotStats {
  readonly snapshots: number;
  readonly totalBytes: number;
  readonly files: number | null;
  readonly chunks: number | null;
  readonly rawBytes?: number;
  readonly account?: AccountBytes;
}

/** Objects of every kind; `hostBytes` are the shards of all hosts, as far as each object's code goes. */
export interface AccountBytes {
  readonly objects: number;
  readonly objectBytes: number;
  readonly hostBytes: number;
}

/** throws   interrupted | as a loss of data does */
export async function measureSnapshots(
  parts: { readonly trees: TreeReader; readonly index: ChunkIndex },
  request: {
    readonly snapshots: readonly StoredSnapshot[];
    readonly listed: readonly ListedObject[];
    readonly mode: StatsMode;
    readonly signal: AbortSignal;
  },
): Promise<SnapshotStats> {
  const { mode, snapshots, listed } = request;
  const measure = new Measure(parts, request.signal);
  for (const { snapshot } of snapshots) {
    if (mode === 'restore-size') await measure.restoreSize(snapshot.root);
    else if (mode === 'raw-data') await measure.rawData(snapshot.root);
    else await measure.byContents(snapshot.root, mode === 'blobs-per-file');
  }
  const { totals } = measure;
  const counted = { snapshots: snapshots.length, totalBytes: totals.bytes };
  if (mode === 'raw-data') {
    return { ...counted, files: null, chunks: totals.chunks, rawBytes: totals.rawBytes, account: accountBytes(listed) };
  }
  return { ...counted, files: totals.files, chunks: mode === 'blobs-per-file' ? totals.chunks : null };
}

function accountBytes(listed: readonly ListedObject[]): AccountBytes {
  let [objectBytes, hostBytes] = [0, 0];
  for (const { sizeBytes, dataShards, totalShards } of listed) {
    objectBytes += sizeBytes;
    hostBytes += Math.ceil(sizeBytes / dataShards) * totalShards;
  }
  return { objects: listed.length, objectBytes, hostBytes };
}

class Measure {
  readonly totals = { files: 0, chunks: 0, bytes: 0, rawBytes: 0 };
  private readonly chunks: ChunkSet;
  private readonly contents = new Set<string>();

  constructor(
    private readonly parts: { readonly trees: TreeReader; readonly index: ChunkIndex },
    private readonly signal: AbortSignal,
  ) {
    this.chunks = new ChunkSet(parts.index);
  }

  async restoreSize(root: readonly string[]): Promise<void> {
    const links = new Set<string>();
    for await (const entry of this.entries(root, () => true)) {
      this.totals.files++;
      if (entry.type !== 'file') continue;
      // Links of one file are one file on the disk.
      const { hardLink } = entry;
      if (hardLink !== undefined && links.has(hardLink)) continue;
      if (hardLink !== undefined) links.add(hardLink);
      this.totals.bytes += entry.sizeBytes;
    }
  }

  async byContents(root: readonly string[], withChunks: boolean): Promise<void> {
    for await (const entry of this.entries(root, this.isNewFolder)) {
      if (entry.type !== 'file' || !this.isNewContent(entry)) continue;
      this.totals.files++;
      if (!withChunks) this.totals.bytes += entry.sizeBytes;
      else await this.countChunksOf(entry);
    }
  }

  async rawData(root: readonly string[]): Promise<void> {
    for (const id of root) this.countStored(id);
    for await (const entry of this.entries(root, this.isNewFolder)) {
      if (entry.type === 'dir') for (const id of entry.subtree) this.countStored(id);
      if (entry.type !== 'file') continue;
      for (const id of entry.contentOf ?? []) this.countStored(id);
      for await (const id of this.parts.trees.contentOf(entry, this.signal)) this.countStored(id);
    }
  }

  private countStored(id: string): void {
    const added = this.chunks.add(id);
    if (added === null) return;
    this.totals.chunks++;
    this.totals.bytes += added.storedBytes;
    this.totals.rawBytes += added.rawBytes;
  }

  private async countChunksOf(entry: FileEntry): Promise<void> {
    const own = new Set<string>();
    for await (const id of this.parts.trees.contentOf(entry, this.signal)) {
      if (own.has(id)) continue;
      own.add(id);
      this.totals.chunks++;
      this.totals.bytes += this.parts.trees.locate(id).entry.rawBytes;
    }
  }

  private readonly isNewFolder = ({ subtree }: DirectoryEntry): boolean => this.isNew(subtree);

  private isNewContent({ content = [], contentOf = [] }: FileEntry): boolean {
    return this.isNew([...content, '/', ...contentOf]);
  }

  private isNew(ids: readonly string[]): boolean {
    const name = createHash('sha256').update(ids.join()).digest('base64');
    if (this.contents.has(name)) return false;
    this.contents.add(name);
    return true;
  }

  private async *entries(
    root: readonly string[],
    descend: (entry: DirectoryEntry) => boolean,
  ): AsyncGenerator<TreeEntry> {
    const walk = this.parts.trees.walk(root, (_parents, entry) => descend(entry), this.signal);
    for await (const next of walk) {
      if (this.signal.aborted) throw new ProtocolError('interrupted');
      if (next.step === 'lost') throw next.failure;
      if (next.step === 'entry') yield next.entry;
    }
  }
}

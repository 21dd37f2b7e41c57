// Reads what a snapshot holds: its directories' entries and its files' lists of chunks, one stored chunk at a time.
import { decodeBase64url, ProtocolError } from '#protocol';
import type { ChunkIndex, ChunkLocation } from '../chunk-index.js';
import { ChunkIdListDecoder } from '../trees/chunk-id-text.js';
import { type DirectoryEntry, type FileEntry, TreeDecoder, type TreeEntry } from '../trees/tree-codec.js';
import { isLossOfData } from './loss-of-data.js';
import type { ObjectCache } from './object-cache.js';

/** Deeper than any path of PATH_MAX bytes; a snapshot that nests deeper is forged or damaged. */
const DEPTH_MAX = 2_048;

/**
 * An entry on the way through a snapshot. A directory comes before its entries, and leaves after them. `lost`: no more
 * entries of the directory that the steps of `parents` lead to can be read.
 */
export type SnapshotStep =
  | { readonly step: 'entry'; readonly parents: readonly Uint8Array[]; readonly entry: TreeEntry }
  | { readonly step: 'lost'; readonly parents: readonly Uint8Array[]; readonly failure: ProtocolError }
  | { readonly step: 'leave'; readonly parents: readonly Uint8Array[]; readonly entry: DirectoryEntry };

export class TreeReader {
  constructor(
    private readonly index: ChunkIndex,
    private readonly objects: Pick<ObjectCache, 'chunk'>,
  ) {}

  /** Where a chunk lies. throws chunk_missing */
  locate(id: string): ChunkLocation {
    const chunkId = decodeBase64url(id);
    const location = chunkId === null ? undefined : this.index.get(chunkId);
    if (location === undefined) throw new ProtocolError('chunk_missing', { chunk: id });
    return location;
  }

  /**
   * Walk a snapshot from its root, depth first, in byte order of names.
   *
   * descend  whether to enter a directory; its entries are not read otherwise
   */
  async *walk(
    root: readonly string[],
    descend: (parents: readonly Uint8Array[], entry: DirectoryEntry) => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<SnapshotStep> {
    const open = [
      { entries: this.entries(root, signal), parents: [] as Uint8Array[], directory: null as DirectoryEntry | null },
    ];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = await top.entries.next().catch((error: unknown) => {
        if (!isLossOfData(error)) throw error;
        return error;
      });
      if (next instanceof ProtocolError) {
        // A generator that threw has ended: its directory is left next, and its neighbours are walked.
        yield { step: 'lost', parents: top.parents, failure: next };
        continue;
      }
      if (next.done === true) {
        open.pop();
        if (top.directory !== null) yield { step: 'leave', parents: top.parents.slice(0, -1), entry: top.directory };
        continue;
      }
      const entry = next.value;
      yield { step: 'entry', parents: top.parents, entry };
      if (entry.type !== 'dir' || !descend(top.parents, entry)) continue;
      if (open.length > DEPTH_MAX) throw new ProtocolError('snapshot_damaged', { reason: 'too deep' });
      open.push({
        entries: this.entries(entry.subtree, signal),
        parents: [...top.parents, entry.name],
        directory: entry,
      });
    }
  }

  /** The ids of a file's chunks, in order. */
  async *contentOf(file: FileEntry, signal: AbortSignal): AsyncGenerator<string> {
    if (file.content !== undefined) {
      yield* file.content;
      return;
    }
    const decoder = new ChunkIdListDecoder();
    for (const id of file.contentOf ?? []) {
      yield* decoder.push(await this.objects.chunk(this.locate(id), signal));
    }
    decoder.end();
  }

  private async *entries(chunks: readonly string[], signal: AbortSignal): AsyncGenerator<TreeEntry> {
    const decoder = new TreeDecoder();
    for (const id of chunks) {
      yield* decoder.push(await this.objects.chunk(this.locate(id), signal));
    }
    decoder.end();
  }
}

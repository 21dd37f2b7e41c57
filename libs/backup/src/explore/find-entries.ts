// Finds entries by their names, times or chunks in many snapshots; a folder that many of them share is searched once.
import { decodeBase64url, ProtocolError } from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import { compileIncludes } from '../files/path-patterns.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import type { DirectoryEntry, TreeEntry } from '../trees/tree-codec.js';

/** Folders without a hit that are remembered; beyond it they are searched again. */
const BARREN_FOLDERS_MAX = 262_144;

/**
 * patterns   as of --include; an entry below a folder that matches is found too
 * oldest     only what was modified at this time or later, in ns since 1970; `newest`: or earlier
 * chunks     instead of patterns: files and folders that these chunks are part of (44 characters, or 8 and more)
 * objects    instead of patterns: files and folders that have a chunk in these objects (whole ids)
 */
export interface FindWish {
  readonly patterns: readonly string[];
  readonly ignoreCase: boolean;
  readonly oldest?: bigint;
  readonly newest?: bigint;
  readonly chunks?: readonly string[];
  readonly objects?: readonly string[];
}

/** `path` starts with a slash: the root of the snapshot. `chunk` and `objectId` say why, when chunks were looked for. */
export interface FoundEntry {
  readonly path: string;
  readonly entry: TreeEntry;
  readonly chunk?: string;
  readonly objectId?: string;
}

/**
 * Search snapshots, the newest first.
 *
 * onFound   told in the order of the walk
 * onEnd     told after each snapshot, with the number of hits in it
 * throws    usage for a malformed pattern | interrupted | as a loss of data does
 */
export async function findEntries(
  parts: { readonly trees: TreeReader; readonly index: ChunkIndex },
  snapshots: readonly StoredSnapshot[],
  wish: FindWish,
  tell: {
    readonly onFound: (stored: StoredSnapshot, found: FoundEntry) => void;
    readonly onEnd: (stored: StoredSnapshot, hits: number) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const search = new Search(parts, wish);
  for (const stored of snapshots.toReversed()) {
    let hits = 0;
    for await (const found of search.in(stored.snapshot.root, signal)) {
      tell.onFound(stored, found);
      hits++;
    }
    tell.onEnd(stored, hits);
  }
}

interface OpenFolder {
  readonly key: string;
  hits: number;
}

class Search {
  private readonly choose: ReturnType<typeof compileIncludes>;
  private readonly byChunks: boolean;
  /** Patterns without a slash do not depend on where a folder stands, so a barren folder is barren everywhere. */
  private readonly anywhere: boolean;
  private readonly barren = new Set<string>();

  constructor(
    private readonly parts: { readonly trees: TreeReader; readonly index: ChunkIndex },
    private readonly wish: FindWish,
  ) {
    const { chunks = [], objects = [], patterns, ignoreCase } = wish;
    this.byChunks = chunks.length + objects.length > 0;
    if (patterns.length === 0 && !this.byChunks) {
      throw new ProtocolError('usage', {}, { detail: 'a pattern, --chunk or --object is needed' });
    }
    this.choose = compileIncludes(patterns, { ignoreCase });
    this.anywhere = this.byChunks || patterns.every((pattern) => !pattern.includes('/'));
  }

  async *in(root: readonly string[], signal: AbortSignal): AsyncGenerator<FoundEntry> {
    const open: OpenFolder[] = [{ key: root.join(), hits: 0 }];
    const descend = (parents: readonly Uint8Array[], entry: DirectoryEntry): boolean => {
      const key = entry.subtree.join();
      const hopeless = this.barren.has(key) || (!this.byChunks && this.choiceOf(parents, entry) === 'none');
      if (!hopeless) open.push({ key, hits: 0 });
      return !hopeless;
    };
    for await (const next of this.parts.trees.walk(root, descend, signal)) {
      if (signal.aborted) throw new ProtocolError('interrupted');
      if (next.step === 'lost') throw next.failure;
      if (next.step === 'leave') {
        this.close(open.pop()!, open.at(-1)!);
        continue;
      }
      const { parents, entry } = next;
      const found = await this.judge(parents, entry, signal);
      if (found === null) continue;
      open.at(-1)!.hits++;
      yield found;
    }
  }

  private close(folder: OpenFolder, parent: OpenFolder): void {
    parent.hits += folder.hits;
    if (this.anywhere && folder.hits === 0 && this.barren.size < BARREN_FOLDERS_MAX) this.barren.add(folder.key);
  }

  private async judge(
    parents: readonly Uint8Array[],
    entry: TreeEntry,
    signal: AbortSignal,
  ): Promise<FoundEntry | null> {
    const { oldest, newest } = this.wish;
    if (oldest !== undefined && entry.mtimeNs < oldest) return null;
    if (newest !== undefined && entry.mtimeNs > newest) return null;
    const path = pathOf(parents, entry);
    if (!this.byChunks) return this.choose(path, entry.type === 'dir') === 'match' ? { path, entry } : null;
    for await (const chunk of this.chunksOf(entry, signal)) {
      const hit = this.hitOf(chunk);
      if (hit !== null) return { path, entry, ...hit };
    }
    return null;
  }

  private choiceOf(parents: readonly Uint8Array[], entry: TreeEntry): ReturnType<typeof this.choose> {
    return this.choose(pathOf(parents, entry), entry.type === 'dir');
  }

  private async *chunksOf(entry: TreeEntry, signal: AbortSignal): AsyncGenerator<string> {
    if (entry.type === 'dir') yield* entry.subtree;
    if (entry.type !== 'file') return;
    yield* entry.contentOf ?? [];
    yield* this.parts.trees.contentOf(entry, signal);
  }

  private hitOf(chunk: string): { chunk: string; objectId?: string } | null {
    const { chunks = [], objects = [] } = this.wish;
    if (chunks.some((part) => chunk.startsWith(part))) return { chunk };
    if (objects.length === 0) return null;
    const chunkId = decodeBase64url(chunk);
    const location = chunkId === null ? undefined : this.parts.index.get(chunkId);
    if (location === undefined || !objects.includes(location.objectId)) return null;
    return { chunk, objectId: location.objectId };
  }
}

function pathOf(parents: readonly Uint8Array[], entry: TreeEntry): string {
  return `/${[...parents, entry.name].map((name) => Buffer.from(name).toString()).join('/')}`;
}

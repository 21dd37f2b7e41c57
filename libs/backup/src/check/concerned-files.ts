// Walks every folder of all snapshots once, and tells the files that need a chunk which nobody has, or an object that is lost.
import { createHash } from 'node:crypto';
import { isRefusal, type ObjectId, ProtocolError } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import type { DirectoryEntry, TreeEntry } from '../trees/tree-codec.js';

/** A file or folder that cannot be restored whole, in the latest snapshot that has it. */
export interface Concerned {
  readonly path: string;
  readonly snapshotId: ObjectId;
  /** Null where a chunk is in no object at all, or a folder broke off. */
  readonly objectId: ObjectId | null;
  readonly failure: ProtocolError;
}

export interface ConcernedFinder {
  readonly trees: TreeReader;
  /** Objects that cannot be had, or are not what was stored. */
  readonly lost: ReadonlyMap<ObjectId, ProtocolError>;
  readonly signal: AbortSignal;
  readonly onConcerned: (concerned: Concerned) => void;
  readonly onFile: () => void;
  /** Told of every chunk that is needed and cannot be had, again and again. */
  readonly onLostChunk?: (chunk: string) => void;
}

/**
 * Folders that several snapshots share are entered once: what is remembered of each takes about 50 bytes.
 *
 * snapshots   oldest first
 * returns     how many chunks, folders and lists of chunks nobody has
 */
export async function findConcerned(finder: ConcernedFinder, snapshots: readonly StoredSnapshot[]): Promise<number> {
  const search = new ConcernedSearch(finder);
  for (const stored of snapshots.toReversed()) await search.walk(stored);
  return search.missing.size;
}

class ConcernedSearch {
  readonly missing = new Set<string>();
  private readonly seen = new Set<string>();

  constructor(private readonly finder: ConcernedFinder) {}

  async walk({ id, snapshot }: StoredSnapshot): Promise<void> {
    const { trees, lost, signal } = this.finder;
    const ownFailure = lost.get(id);
    if (ownFailure !== undefined) this.tell('/', id, { objectId: id, failure: ownFailure });
    if (!this.isFirst(snapshot.root)) return;
    this.tellWhere('/', id, this.faultAmong(snapshot.root));
    const descend = (parents: readonly Uint8Array[], entry: DirectoryEntry): boolean => {
      if (!this.isFirst(entry.subtree)) return false;
      this.tellWhere(pathOf([...parents, entry.name]), id, this.faultAmong(entry.subtree));
      return true;
    };
    for await (const next of trees.walk(snapshot.root, descend, signal)) {
      if (signal.aborted) throw new ProtocolError('interrupted');
      if (next.step === 'lost') {
        this.missing.add(`folder ${hexOf(next.parents)} of ${id}`);
        this.tell(pathOf(next.parents), id, { objectId: null, failure: next.failure });
      } else if (next.step === 'entry') await this.look(id, [...next.parents, next.entry.name], next.entry);
    }
  }

  private async look(id: ObjectId, steps: readonly Uint8Array[], entry: TreeEntry): Promise<void> {
    if (entry.type !== 'file') return;
    const { trees, signal, onFile } = this.finder;
    try {
      let fault = this.faultAmong(entry.contentOf ?? []);
      for await (const chunk of trees.contentOf(entry, signal)) {
        const found = this.faultOf(chunk);
        fault ??= found;
      }
      this.tellWhere(pathOf(steps), id, fault);
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      this.missing.add(`content of ${hexOf(steps)} of ${id}`);
      this.tell(pathOf(steps), id, { objectId: null, failure: error });
    }
    onFile();
  }

  private faultAmong(chunks: readonly string[]): Fault | null {
    let fault: Fault | null = null;
    for (const chunk of chunks) {
      const found = this.faultOf(chunk);
      fault ??= found;
    }
    return fault;
  }

  private faultOf(chunk: string): Fault | null {
    const location = this.locate(chunk);
    if (location instanceof ProtocolError) {
      this.missing.add(chunk);
      this.finder.onLostChunk?.(chunk);
      return { objectId: null, failure: location };
    }
    const failure = this.finder.lost.get(location.objectId);
    if (failure === undefined) return null;
    this.finder.onLostChunk?.(chunk);
    return { objectId: location.objectId, failure };
  }

  private locate(chunk: string): ChunkLocation | ProtocolError {
    try {
      return this.finder.trees.locate(chunk);
    } catch (error) {
      if (isRefusal(error, 'chunk_missing')) return error;
      throw error;
    }
  }

  private isFirst(subtree: readonly string[]): boolean {
    const key = createHash('sha256').update(subtree.join()).digest('base64').slice(0, 22);
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    return true;
  }

  private tellWhere(path: string, id: ObjectId, fault: Fault | null): void {
    if (fault !== null) this.tell(path, id, fault);
  }

  private tell(path: string, snapshotId: ObjectId, fault: Fault): void {
    this.finder.onConcerned({ path, snapshotId, ...fault });
  }
}

type Fault = Pick<Concerned, 'objectId' | 'failure'>;

function pathOf(steps: readonly Uint8Array[]): string {
  return steps.map((name) => Buffer.from(name).toString()).join('/') || '/';
}

function hexOf(steps: readonly Uint8Array[]): string {
  return steps.map((name) => Buffer.from(name).toString('hex')).join('/');
}

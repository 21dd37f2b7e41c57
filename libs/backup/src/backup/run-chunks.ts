// The chunks that a run need not store: those that lie in objects it may rely on, and those it has stored itself.
import type { ObjectId } from '#protocol';
import { ChunkIndex } from '../chunk-index.js';
import type { IndexedObjectEntries } from '../chunk-index-codec.js';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import type { SealedObject } from '../objects/object-builder.js';
import type { PruneGuard } from './prune-guard.js';

/** Where a run writes down what it stored: the machine's index, or for a dry run nothing that outlives it. */
export type StoredLog = Pick<ChunkIndexFile, 'storeObject' | 'markPublished' | 'unpublished'>;

export interface RunChunksOptions {
  readonly index: Pick<ChunkIndex, 'storedIn'>;
  readonly log: StoredLog;
  readonly guard: PruneGuard;
  /** Marked for deletion: what lies in them counts as not stored. */
  readonly marked: ReadonlySet<ObjectId>;
}

export class RunChunks {
  /** Chunks that this run stored and the index does not answer for: stored anew, or in a dry run. */
  private readonly own = new ChunkIndex();

  constructor(private readonly options: RunChunksOptions) {}

  /** What ChunkPacker asks. */
  readonly index = { has: (chunkId: Uint8Array): boolean => this.rely(chunkId) };

  get unpublished(): StoredLog['unpublished'] {
    return this.options.log.unpublished;
  }

  /** True when the chunk is stored, and then its object is one that the snapshot needs. */
  rely(chunkId: Uint8Array): boolean {
    if (this.own.has(chunkId)) return true;
    const objectId = this.objectOf(chunkId);
    if (objectId === null) return false;
    this.options.guard.relyOn(objectId);
    return true;
  }

  /** True when each of these chunks is stored; only then are their objects relied on. */
  relyOnAll(chunkIds: readonly Uint8Array[]): boolean {
    const objectIds: ObjectId[] = [];
    for (const chunkId of chunkIds) {
      if (this.own.has(chunkId)) continue;
      const objectId = this.objectOf(chunkId);
      if (objectId === null) return false;
      objectIds.push(objectId);
    }
    for (const objectId of objectIds) this.options.guard.relyOn(objectId);
    return true;
  }

  async storeObject(object: SealedObject): Promise<void> {
    // An index may be replaced by another one at any time, and the snapshot needs none in particular.
    if (object.kind === 'data' || object.kind === 'tree') this.options.guard.relyOn(object.objectId);
    await this.options.log.storeObject(object);
    const unanswered = object.entries.filter(({ chunkId }) => this.objectOf(chunkId) === null);
    if (unanswered.length > 0) this.own.addObject(object.objectId, unanswered);
  }

  markPublished(objectIds: Iterable<ObjectId>): Promise<void> {
    return this.options.log.markPublished(objectIds);
  }

  private objectOf(chunkId: Uint8Array): ObjectId | null {
    const { index, marked } = this.options;
    const objectId = index.storedIn(chunkId);
    return objectId === null || marked.has(objectId) ? null : objectId;
  }
}

/** For a dry run: what it would have stored is published like the rest, and forgotten with it. */
export class DryLog implements StoredLog {
  readonly unpublished: Map<ObjectId, IndexedObjectEntries>;

  constructor(unpublished: ReadonlyMap<ObjectId, IndexedObjectEntries>) {
    this.unpublished = new Map(unpublished);
  }

  async storeObject({ objectId, kind, entries }: IndexedObjectEntries): Promise<void> {
    if (kind === 'data' || kind === 'tree') this.unpublished.set(objectId, { objectId, kind, entries });
  }

  async markPublished(objectIds: Iterable<ObjectId>): Promise<void> {
    for (const objectId of objectIds) this.unpublished.delete(objectId);
  }
}

// Where every chunk of the account lies, read anew from its index objects: a prune trusts no cache of this machine.
import { OBJECTS_PER_REQUEST_MAX, type ObjectId } from '#protocol';
import { ChunkIndex } from '../chunk-index.js';
import {
  type ChunkEntry,
  encodeEntries,
  type ObjectKind,
  objectKindOf,
  parseEntries,
} from '../objects/object-codec.js';
import { IndexDecoder } from '../trees/index-codec.js';
import type { AccountStore } from './account-store.js';

/** Directories are kept as bytes, 44 a chunk: a million chunks would be hundreds of megabytes as objects. */
interface Directory {
  readonly kind: ObjectKind;
  readonly entries: Buffer;
  readonly endOffset: number;
}

export class StoredChunkMap {
  readonly index = new ChunkIndex();
  private readonly directories = new Map<ObjectId, Directory>();
  /** What each index object names, whether it is listed or not. */
  readonly namedBy = new Map<ObjectId, readonly ObjectId[]>();
  private readonly disputed = new Set<ObjectId>();

  private constructor(private readonly listed: ReadonlySet<ObjectId>) {}

  /**
   * Read all of these index objects.
   *
   * listed      objects that are stored: others have no say in where a chunk is
   * condemned   marked objects: they answer for a chunk only when no other has it
   * throws      what reading throws: a map with holes would call wanted chunks unwanted. Where two indexes differ about an
   *             object, its own directory decides, so that is read too
   */
  static async read(
    store: AccountStore,
    {
      indexes,
      listed,
      condemned,
    }: { indexes: readonly ObjectId[]; listed: ReadonlySet<ObjectId>; condemned: Iterable<ObjectId> },
    signal: AbortSignal,
  ): Promise<StoredChunkMap> {
    const map = new StoredChunkMap(listed);
    for (const objectId of condemned) map.index.condemn(objectId);
    for (let first = 0; first < indexes.length; first += OBJECTS_PER_REQUEST_MAX) {
      const group = indexes.slice(first, first + OBJECTS_PER_REQUEST_MAX);
      await store.announce(group, signal);
      for (const objectId of group) await map.readIndex(store, objectId, signal);
    }
    await map.settleDisputes(store, signal);
    for (const objectId of map.directories.keys()) map.answerWith(objectId);
    return map;
  }

  has(objectId: ObjectId): boolean {
    return this.directories.has(objectId);
  }

  directoryOf(objectId: ObjectId): { kind: ObjectKind; entries: ChunkEntry[] } | null {
    const directory = this.directories.get(objectId);
    if (directory === undefined) return null;
    return { kind: directory.kind, entries: parseEntries(directory.entries, directory.endOffset) };
  }

  /** Indexes differ about this object, which is not listed and so cannot be asked. */
  isDisputed(objectId: ObjectId): boolean {
    return this.disputed.has(objectId);
  }

  /** These did not give what they should have: others that have it answer for it from here on. */
  doubt(objectIds: Iterable<ObjectId>): void {
    for (const objectId of objectIds) this.index.condemn(objectId);
    for (const objectId of this.directories.keys()) {
      if (!this.index.isCondemned(objectId)) this.answerWith(objectId);
    }
  }

  private answerWith(objectId: ObjectId): void {
    const { entries, endOffset } = this.directories.get(objectId)!;
    if (this.listed.has(objectId)) this.index.addObject(objectId, parseEntries(entries, endOffset));
  }

  /** One machine of the account may be in wrong hands: of two indexes either can be forged, and the object itself cannot. */
  private async settleDisputes(store: AccountStore, signal: AbortSignal): Promise<void> {
    for (const objectId of this.disputed) {
      if (!this.listed.has(objectId)) continue;
      this.directories.set(objectId, directoryOf(await store.open(objectId, signal)));
      this.disputed.delete(objectId);
    }
  }

  private async readIndex(store: AccountStore, indexId: ObjectId, signal: AbortSignal): Promise<void> {
    const names: ObjectId[] = [];
    for (const entry of (await store.open(indexId, signal)).entries) {
      const decoder = new IndexDecoder();
      const named = decoder.push(await store.chunk({ objectId: indexId, entry }, signal));
      decoder.end();
      for (const { objectId, kind, chunks } of named) {
        names.push(objectId);
        const entries = chunks.map((chunk, index) => ({ ...chunk, index }));
        const directory = directoryOf({ kind: objectKindOf(kind) ?? 'data', entries });
        const known = this.directories.get(objectId);
        if (known === undefined) this.directories.set(objectId, directory);
        else if (!isSame(known, directory)) this.disputed.add(objectId);
      }
    }
    this.namedBy.set(indexId, names);
  }
}

function directoryOf({ kind, entries }: { kind: ObjectKind; entries: readonly ChunkEntry[] }): Directory {
  const last = entries.at(-1)!;
  return { kind, entries: encodeEntries(entries), endOffset: last.offset + last.storedBytes };
}

function isSame(one: Directory, other: Directory): boolean {
  return one.kind === other.kind && one.endOffset === other.endOffset && one.entries.equals(other.entries);
}

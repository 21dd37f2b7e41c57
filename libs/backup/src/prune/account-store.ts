// What an account has stored, as prunes and the guard of a backup see it: a port, so that a simulator can be one too.
import type { ListedObject, ObjectId } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import type { ChunkEntry, ObjectKind } from '../objects/object-codec.js';

export interface StoredChunks {
  readonly objectId: ObjectId;
  readonly kind: ObjectKind;
  readonly entries: readonly ChunkEntry[];
}

export interface Deletion {
  /** They are in no list any more. */
  readonly deleted: readonly ObjectId[];
  /** How many of them have shards left on hosts that are away: a later deletion asks again. */
  readonly pending: number;
  /** They stay listed: somebody promised to keep them for longer. */
  readonly retained: readonly ObjectId[];
}

/**
 * Promises that the proof in docs/decisions (prune) needs:
 * - `list` has everything that was listed when it was called and is not deleted since; any failure throws;
 * - an object that is listed stays so until it is deleted, and a deleted one never comes back;
 * - once the broker has answered, `nowMs` is its time: not before its last answer, and not after its next one.
 */
export interface AccountStore {
  list(kind: ObjectKind | null, signal: AbortSignal): Promise<ListedObject[]>;
  nowMs(): number;
  /** Say which objects are read next, so that they are asked for together. */
  announce(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<void>;
  /** The directory of an object. throws object_unavailable | object_unknown | object_damaged | ... */
  open(objectId: ObjectId, signal: AbortSignal): Promise<StoredChunks>;
  /** The plaintext of a chunk, verified. */
  chunk(location: ChunkLocation, signal: AbortSignal): Promise<Buffer>;
  /** Of these, the objects of which enough hosts are there now, by the broker's word; not what this machine keeps itself. */
  present(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<ReadonlySet<ObjectId>>;
  /** Store chunks as one object, without asking whether they are stored already; it is listed after `settle`. */
  store(kind: ObjectKind, plaintexts: readonly Uint8Array[], signal: AbortSignal): Promise<StoredChunks>;
  /** Resolves when the broker has heard of everything that this machine stored. */
  settle(signal: AbortSignal): Promise<void>;
  delete(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<Deletion>;
}

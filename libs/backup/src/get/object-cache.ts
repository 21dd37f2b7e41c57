// The objects that were read last, opened once for many chunks; those asked for ahead of their use; and those on disk.
import { isRefusal, OBJECTS_PER_REQUEST_MAX, type ObjectId, type ObjectToGet, ProtocolError } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import type { DataKeys } from '../keys.js';
import type { ObjectKey } from '../objects/object-key.js';
import { objectKeyOf, openChunk, openKind } from '../objects/open-object.js';
import type { LocalObjects } from './local-objects.js';
import type { ObjectFetcher } from './object-fetcher.js';

/** Whole objects kept in memory, 16 MiB and more each: the one in use, the next ones, and a few of the last. */
const OBJECTS_KEPT_MAX = 5;

/** An object in memory, ready to open its chunks. */
export interface HeldObject {
  readonly objectId: ObjectId;
  readonly bytes: Buffer;
  readonly key: ObjectKey;
}

interface Place {
  readonly coming: Promise<HeldObject>;
  /** Calls of `use` under way. */
  users: number;
  /** Somebody has it from `get`, and nobody tells how long they look at it. */
  isLent: boolean;
}

export class ObjectCache {
  private readonly held = new Map<ObjectId, Place>();
  private permissions = new Map<ObjectId, ObjectToGet>();

  constructor(
    private readonly keys: DataKeys,
    private readonly fetcher: ObjectFetcher,
    /** What this machine keeps on its own disk; null reads everything from hosts. */
    private readonly local: Pick<LocalObjects, 'has' | 'read' | 'keep'> | null = null,
  ) {}

  /** Ask at once for the tokens of objects that will be read soon; bounded by what one request may hold. */
  async announce(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<void> {
    const wanted: ObjectId[] = [];
    for (const objectId of objectIds) {
      if (wanted.length === OBJECTS_PER_REQUEST_MAX) break;
      if (!this.held.has(objectId) && !(await this.local?.has(objectId))) wanted.push(objectId);
    }
    this.permissions = wanted.length === 0 ? new Map() : await this.fetcher.permissionsFor(wanted, signal);
    this.fetcher.announce(this.permissions.values(), signal);
  }

  /** The object, from memory, from this machine's disk or from its hosts; a fetch under way is joined. */
  get(objectId: ObjectId, signal: AbortSignal): Promise<HeldObject> {
    const place = this.placeOf(objectId, signal);
    place.isLent = true;
    return place.coming;
  }

  /** As get, for so long as `work` takes: afterwards another object may come into this one's memory. */
  async use<T>(objectId: ObjectId, signal: AbortSignal, work: (object: HeldObject) => Promise<T> | T): Promise<T> {
    const place = this.placeOf(objectId, signal);
    place.users++;
    try {
      return await work(await place.coming);
    } finally {
      place.users--;
      if (this.held.get(objectId) !== place) this.reuse(place);
    }
  }

  /** One chunk, opened and verified. */
  chunk({ objectId, entry }: ChunkLocation, signal: AbortSignal): Promise<Buffer> {
    return this.use(objectId, signal, ({ key, bytes }) => openChunk(this.keys, key, bytes, entry));
  }

  /** As the one used last, with what was used longest ago dropped for it. */
  private placeOf(objectId: ObjectId, signal: AbortSignal): Place {
    const known = this.held.get(objectId);
    if (known !== undefined) {
      this.held.delete(objectId);
      this.held.set(objectId, known);
      return known;
    }
    while (this.held.size >= OBJECTS_KEPT_MAX) {
      const [oldestId, oldest] = this.held.entries().next().value!;
      this.held.delete(oldestId);
      this.reuse(oldest);
    }
    const place: Place = { coming: this.load(objectId, signal), users: 0, isLent: false };
    this.held.set(objectId, place);
    // A failed fetch is not remembered: whoever asks next tries again, and each asker has the error.
    place.coming.catch(() => {
      if (this.held.get(objectId) === place) this.held.delete(objectId);
    });
    return place;
  }

  /** Called when a place has been dropped, and again when one of those that were dropped has one user less. */
  private reuse(place: Place): void {
    if (place.users > 0 || place.isLent) return;
    place.coming.then(
      ({ bytes }) => this.fetcher.giveBack(bytes),
      () => undefined,
    );
  }

  private async load(objectId: ObjectId, signal: AbortSignal): Promise<HeldObject> {
    const kept = (await this.local?.read(objectId)) ?? null;
    if (kept !== null) return this.hold(objectId, kept);
    const object = this.hold(objectId, await this.fetch(objectId, signal));
    const kind = openKind(object.key, object.bytes);
    // What does not open is not kept; whoever asked for it finds out.
    if (kind !== null) await this.local?.keep(objectId, kind, object.bytes);
    return object;
  }

  private async fetch(objectId: ObjectId, signal: AbortSignal): Promise<Buffer> {
    const announced = this.permissions.get(objectId);
    this.permissions.delete(objectId);
    if (announced !== undefined) {
      try {
        return await this.fetcher.fetch(announced, signal);
      } catch (error) {
        // Tokens asked for ahead may have aged, and hosts may have come back: one more try with new ones.
        if (!isRefusal(error, 'object_unavailable')) throw error;
      }
    }
    const fresh = (await this.fetcher.permissionsFor([objectId], signal)).get(objectId);
    if (fresh === undefined) throw new ProtocolError('answer_untrusted', { objectId });
    return this.fetcher.fetch(fresh, signal);
  }

  private hold(objectId: ObjectId, bytes: Buffer): HeldObject {
    return { objectId, bytes, key: objectKeyOf(this.keys, objectId, bytes) };
  }
}

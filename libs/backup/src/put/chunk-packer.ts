// Takes the chunks of a run: stores each once, packed into objects, while several objects travel at the same time.
import { strict as assert } from 'node:assert';
import { encodeBase64url, type ObjectId, ProtocolError } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import type { DataKeys } from '../keys.js';
import { ObjectBuilder, type SealedObject, sealedBuffers } from '../objects/object-builder.js';
import type { ObjectKind } from '../objects/object-codec.js';
import type { RandomBytes } from '../objects/shuffle.js';
import type { ObjectUploader, StoredObject } from './object-uploader.js';
import { UploadPace, type UploadPaceOptions } from './upload-pace.js';

export interface ChunkPackerOptions extends UploadPaceOptions {
  readonly keys: DataKeys;
  /** What is stored already, and where it is written down that an object is stored; a ChunkIndexFile is such. */
  readonly cache: {
    readonly index: { has(chunkId: Uint8Array): boolean };
    storeObject(object: SealedObject): Promise<void>;
  };
  readonly uploader: Pick<ObjectUploader, 'store'>;
  readonly randomBytes: RandomBytes;
  readonly newObjectId: () => ObjectId;
  readonly signal: AbortSignal;
  /** Called when an object is safe on its hosts and durable in the cache. The bytes of data are used again afterwards. */
  readonly onStored: (object: SealedObject, stored: StoredObject) => void;
}

export class ChunkPacker {
  private readonly buffers = sealedBuffers();
  private readonly builders = new Map<ObjectKind, ObjectBuilder>();
  private readonly uploads = new Set<Promise<void>>();
  /** Chunks that are in a builder or under way: known, though no index has them yet. */
  private readonly pending = new Set<string>();
  private failure: { readonly error: unknown } | null = null;
  private newBytesTotal = 0;
  private readonly pace: UploadPace;

  constructor(private readonly options: ChunkPackerOptions) {
    this.pace = new UploadPace(options);
  }

  /** Bytes of what was read, and of its trees, that no object had before. */
  get newBytes(): number {
    return this.newBytesTotal;
  }

  /**
   * Take one chunk; it is copied or known, so the caller may reuse the memory when this resolves.
   *
   * returns  the text of its id
   * throws   what an upload threw: the run is over
   */
  async add(kind: ObjectKind, plaintext: Uint8Array): Promise<string> {
    this.checkGoing();
    const chunk = identifyChunk(this.options.keys.chunkIdKey, plaintext);
    const id = encodeBase64url(chunk.chunkId);
    if (this.pending.has(id) || this.options.cache.index.has(chunk.chunkId)) return id;
    const builder = this.builderOf(kind);
    this.pending.add(id);
    builder.add(chunk);
    if (isContent(kind)) this.newBytesTotal += plaintext.length;
    if (builder.isFull) await this.send(kind, builder);
    return id;
  }

  /** Send what is left in the builders of these kinds, and wait until every upload has ended. */
  async flush(kinds: readonly ObjectKind[]): Promise<ObjectId[]> {
    const sent: ObjectId[] = [];
    for (const kind of kinds) {
      const builder = this.builders.get(kind);
      if (builder !== undefined && !builder.isEmpty) sent.push(await this.send(kind, builder));
    }
    while (this.uploads.size > 0) await Promise.race(this.uploads);
    this.checkGoing();
    return sent;
  }

  /** Wait for the uploads under way, whatever becomes of them; for a run that ends early. */
  async settle(): Promise<void> {
    await Promise.all(this.uploads);
  }

  private builderOf(kind: ObjectKind): ObjectBuilder {
    const known = this.builders.get(kind);
    if (known !== undefined) return known;
    const builder = new ObjectBuilder(this.options.keys, kind, this.options.randomBytes, this.buffers);
    this.builders.set(kind, builder);
    return builder;
  }

  private async send(kind: ObjectKind, builder: ObjectBuilder): Promise<ObjectId> {
    while (!this.pace.admits(builder.sealedBytes)) await Promise.race(this.uploads);
    this.checkGoing();
    const object = builder.seal(this.options.newObjectId());
    assert.equal(object.kind, kind);
    const end = this.pace.begin(object.bytes.length);
    const upload = this.upload(object)
      .then(() => end(true))
      .catch((error: unknown) => {
        end(false);
        this.failure ??= { error };
      })
      .finally(() => this.uploads.delete(upload));
    this.uploads.add(upload);
    return object.objectId;
  }

  private async upload(object: SealedObject): Promise<void> {
    const stored = await this.options.uploader.store(object, this.options.signal);
    await this.options.cache.storeObject(object);
    for (const { chunkId } of object.entries) this.pending.delete(encodeBase64url(chunkId));
    this.options.onStored(object, stored);
    // The others may be kept on this machine, too. After a failure somebody might still send.
    if (object.kind === 'data') this.buffers.give(object.bytes);
  }

  private checkGoing(): void {
    if (this.failure !== null) throw this.failure.error;
    if (this.options.signal.aborted) throw new ProtocolError('interrupted');
  }
}

/** Indexes and snapshots are written whatever was read, and tell of that: they are not a part of it. */
export function isContent(kind: ObjectKind): boolean {
  return kind === 'data' || kind === 'tree';
}

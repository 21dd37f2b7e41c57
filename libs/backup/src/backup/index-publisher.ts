// Publishes where chunks lie: index objects, from which a machine that lost its cache learns it without reading data.
import type { IndexedObjectEntries } from '../chunk-index-codec.js';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { OBJECT_KIND_CODES } from '../objects/object-codec.js';
import type { ChunkPacker } from '../put/chunk-packer.js';
import { encodeIndexedObject, encodeIndexHeader } from '../trees/index-codec.js';

/** A run that dies leaves at most this many objects for the next run to publish. */
const UNPUBLISHED_OBJECTS_MAX = 64;
const DOCUMENT_BYTES_TARGET = 1024 * 1024;

export class IndexPublisher {
  constructor(
    private readonly cache: ChunkIndexFile,
    private readonly packer: ChunkPacker,
  ) {}

  get isDue(): boolean {
    return this.cache.unpublished.size >= UNPUBLISHED_OBJECTS_MAX;
  }

  /**
   * Store what is not published yet and wait until it is safe. Before this, nothing may name those chunks: a snapshot
   * comes after its index.
   */
  async publish(): Promise<void> {
    const objects = [...this.cache.unpublished.values()];
    if (objects.length === 0) return;
    for (const document of encodeDocuments(objects)) await this.packer.add('index', document);
    await this.packer.flush(['index']);
    await this.cache.markPublished(objects.map(({ objectId }) => objectId));
  }
}

/** Documents that each stand alone, so that the order of chunks in an object does not matter. */
function* encodeDocuments(objects: readonly IndexedObjectEntries[]): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const { objectId, kind, entries } of objects) {
    const record = encodeIndexedObject({ objectId, kind: OBJECT_KIND_CODES[kind], chunks: entries });
    const isFull = sizeBytes > DOCUMENT_BYTES_TARGET || sizeBytes + record.length > CHUNK_BYTES_MAX;
    if (parts.length > 0 && isFull) {
      yield Buffer.concat(parts);
      parts = [];
    }
    if (parts.length === 0) parts.push(encodeIndexHeader());
    parts.push(record);
    sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

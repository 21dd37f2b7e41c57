// Cuts what a stored index says of many objects into documents, each one chunk. Pure.
import type { IndexedObjectEntries } from '../chunk-index-codec.js';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { OBJECT_KIND_CODES } from '../objects/object-codec.js';
import { encodeIndexedObject, encodeIndexHeader } from './index-codec.js';

const DOCUMENT_BYTES_TARGET = 1024 * 1024;

/** Documents that each stand alone, so that the order of chunks in an object does not matter. */
export function* indexDocuments(objects: Iterable<IndexedObjectEntries>): Generator<Buffer> {
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for (const { objectId, kind, entries } of objects) {
    const record = encodeIndexedObject({ objectId, kind: OBJECT_KIND_CODES[kind], chunks: entries });
    if (parts.length > 0 && (sizeBytes > DOCUMENT_BYTES_TARGET || sizeBytes + record.length > CHUNK_BYTES_MAX)) {
      yield Buffer.concat(parts);
      parts = [];
    }
    if (parts.length === 0) {
      parts.push(encodeIndexHeader());
      sizeBytes = parts[0]!.length;
    }
    parts.push(record);
    sizeBytes += record.length;
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

// Reads a part of a stored file, one verified chunk after another, while the object after it is on its way.
import { strict as assert } from 'node:assert';
import { type ObjectId, ProtocolError } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { FileEntry } from '../trees/tree-codec.js';

/** How far ahead the next object is looked for: about as many chunks as an object has. */
const AHEAD_CHUNKS = 16;

/** `end` is the first byte that is not wanted. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * range    within 0 and the file's size
 * throws   chunk_missing | object_unavailable | object_damaged | snapshot_damaged when the chunks are not as long as the
 *          file says it is; what came before is good
 */
export async function* readRange(
  { trees, objects }: { readonly trees: TreeReader; readonly objects: ObjectCache },
  file: FileEntry,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  assert(range.start >= 0 && range.start <= range.end);
  assert(range.end <= file.sizeBytes);
  const ahead: PlacedChunk[] = [];
  let lastAsked: ObjectId | null = null;
  const wanted = placesOf(trees, file, range, signal);
  for (;;) {
    while (ahead.length < AHEAD_CHUNKS) {
      const next = await wanted.next();
      if (next.done === true) break;
      ahead.push(next.value);
      const { objectId } = next.value.location;
      if (lastAsked !== null && lastAsked !== objectId) {
        // Whoever reads the chunk has the error.
        objects.use(objectId, signal, () => undefined).catch(() => undefined);
      }
      lastAsked = objectId;
    }
    const chunk = ahead.shift();
    if (chunk === undefined) return;
    const bytes = await objects.chunk(chunk.location, signal);
    yield bytes.subarray(Math.max(range.start - chunk.offset, 0), Math.min(range.end - chunk.offset, bytes.length));
  }
}

interface PlacedChunk {
  readonly location: ChunkLocation;
  /** Of its first byte in the file. */
  readonly offset: number;
}

/** The chunks that the range touches. Their sizes are the index's word, which opening them proves. */
async function* placesOf(
  trees: TreeReader,
  file: FileEntry,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<PlacedChunk> {
  let offset = 0;
  if (range.start === range.end) return;
  for await (const id of trees.contentOf(file, signal)) {
    const location = trees.locate(id);
    const chunkEnd = offset + location.entry.rawBytes;
    if (chunkEnd > file.sizeBytes) throw lengthWrong('longer than its size');
    if (chunkEnd > range.start) yield { location, offset };
    offset = chunkEnd;
    if (offset >= range.end) return;
  }
  throw lengthWrong('shorter than its size');
}

function lengthWrong(reason: string): ProtocolError {
  return new ProtocolError('snapshot_damaged', { part: 'file', reason });
}

// The chunk index on disk: an append-only cache file, loaded at start, that may be lost or damaged without loss of data.
import { strict as assert } from 'node:assert';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ObjectId, ProtocolError } from '#protocol';
import { ChunkIndex } from './chunk-index.js';
import {
  encodeIndexHeader,
  encodeIndexRecord,
  INDEX_HEADER_BYTES,
  INDEX_RECORD_BYTES_MAX,
  type IndexedObjectEntries,
  type IndexRecord,
  parseIndexRecord,
} from './chunk-index-codec.js';
import type { ChunkEntry } from './objects/object-codec.js';

/** How opening went: `set_aside` = a damaged or foreign file was renamed, and the index starts empty. */
export type ChunkIndexOpening = 'created' | 'loaded' | 'set_aside';

interface IndexState {
  readonly index: ChunkIndex;
  readonly unpublished: Map<ObjectId, IndexedObjectEntries>;
}

const LOAD_BUFFER_BYTES = 2 * (INDEX_RECORD_BYTES_MAX + 1);
const OWNER_ONLY = 0o600;

/**
 * The index and its file. Writes are in order and durable when they resolve. After one failed write the file takes no
 * more (a failed fsync must not be retried); the torn tail is cut off at the next start.
 *
 * One process opens a file at a time; the home's lock sees to that.
 */
export class ChunkIndexFile {
  private tail: Promise<void> = Promise.resolve();

  private constructor(
    private readonly state: IndexState,
    readonly opening: ChunkIndexOpening,
    /** Bytes of a torn last write that were cut off. */
    readonly tornBytes: number,
    private readonly cacheKey: Uint8Array,
    private readonly handle: FileHandle,
    private endOffset: number,
  ) {}

  /**
   * Load the index of a key, or start one.
   *
   * path       in a directory that exists; a set-aside file goes to `<path>.set-aside`, in place of an earlier one
   * cacheKey   DataKeys.cacheKey; a file of another key is set aside
   * throws     local_disk
   */
  static open({ path, cacheKey }: { path: string; cacheKey: Uint8Array }): Promise<ChunkIndexFile> {
    return onLocalDisk(async () => {
      const handle = await openExisting(path);
      if (handle === null) return ChunkIndexFile.create(path, cacheKey, 'created');
      return closingOnError(handle, async () => {
        const loaded = await load(handle, cacheKey);
        if (loaded === null) {
          await handle.close();
          await rename(path, `${path}.set-aside`);
          return ChunkIndexFile.create(path, cacheKey, 'set_aside');
        }
        const { state, endOffset, tornBytes } = loaded;
        if (tornBytes > 0) {
          await handle.truncate(endOffset);
          await handle.sync();
        }
        return new ChunkIndexFile(state, 'loaded', tornBytes, cacheKey, handle, endOffset);
      });
    });
  }

  private static async create(path: string, cacheKey: Uint8Array, opening: ChunkIndexOpening): Promise<ChunkIndexFile> {
    // Written aside and renamed: a file at `path` always has a whole header.
    const handle = await open(`${path}.new`, 'w+', OWNER_ONLY);
    return closingOnError(handle, async () => {
      const header = encodeIndexHeader(cacheKey);
      await writeAll(handle, header, 0);
      await handle.sync();
      await rename(`${path}.new`, path);
      await syncDirectory(dirname(path));
      return new ChunkIndexFile(emptyState(), opening, 0, cacheKey, handle, header.length);
    });
  }

  /**
   * Objects that this machine stored and that no stored index names yet, oldest first; a run that dies leaves them to the
   * next. Index objects and snapshots are never among them: whoever needs those finds them in the broker's list.
   */
  get unpublished(): ReadonlyMap<ObjectId, IndexedObjectEntries> {
    return this.state.unpublished;
  }

  get index(): ChunkIndex {
    return this.state.index;
  }

  /**
   * Record that this machine stored an object (a SealedObject fits): its chunks are found as soon as the writes before
   * are done, and after a restart once this resolves. A known object is not written again.
   *
   * throws   local_disk | chunk_index_full
   */
  storeObject({ objectId, kind, entries }: IndexedObjectEntries): Promise<void> {
    return this.write([{ type: 'stored', objectId, kind, entries }]);
  }

  /**
   * Record objects that a stored index names, or that are stored indexes themselves.
   *
   * throws   local_disk | chunk_index_full
   */
  storePublished(
    objects: readonly { readonly objectId: ObjectId; readonly entries: readonly ChunkEntry[] }[],
  ): Promise<void> {
    return this.write(objects.map(({ objectId, entries }) => ({ type: 'known', objectId, entries })));
  }

  /** Record that a stored index names these objects by now. Throws local_disk. */
  markPublished(objectIds: Iterable<ObjectId>): Promise<void> {
    return this.write(Array.from(objectIds, (objectId) => ({ type: 'published', objectId })));
  }

  /** Record that no stored index names these objects any more, as if this machine had just stored them. throws local_disk */
  unpublish(objects: readonly IndexedObjectEntries[]): Promise<void> {
    return this.write(
      objects.flatMap(({ objectId, kind, entries }): IndexRecord[] => [
        { type: 'forgotten', objectId },
        { type: 'stored', objectId, kind, entries },
      ]),
    );
  }

  /**
   * Record that objects are stored no longer. Their chunks are found no more, even if the write then fails: a chunk
   * that is stored twice costs space, a chunk that is missing costs a file.
   *
   * throws   local_disk
   */
  forgetObjects(objectIds: Iterable<ObjectId>): Promise<void> {
    return this.write(Array.from(objectIds, (objectId) => ({ type: 'forgotten', objectId })));
  }

  /**
   * Record that objects are marked to be deleted (docs/decisions: prune): their chunks count as not stored, though they
   * can be read. Throws local_disk.
   */
  condemnObjects(objectIds: Iterable<ObjectId>): Promise<void> {
    return this.write(Array.from(objectIds, (objectId) => ({ type: 'condemned', objectId })));
  }

  /** Let the writes that were begun end, then close. */
  async close(): Promise<void> {
    // A write that failed has been reported to whoever asked for it.
    await Promise.allSettled([this.tail]);
    await this.handle.close();
  }

  /**
   * Apply and append what is new, after what was begun before. Once one write has failed, everything after it fails with
   * the same error.
   */
  private write(records: readonly IndexRecord[]): Promise<void> {
    const done = this.tail.then(() =>
      onLocalDisk(() => this.append(records.filter((record) => apply(this.state, record)))),
    );
    this.tail = done;
    return done;
  }

  private async append(records: readonly IndexRecord[]): Promise<void> {
    if (records.length === 0) return;
    const bytes = Buffer.concat(records.map((record) => encodeIndexRecord(this.cacheKey, record)));
    await writeAll(this.handle, bytes, this.endOffset);
    await this.handle.datasync();
    this.endOffset += bytes.length;
  }
}

function emptyState(): IndexState {
  return { index: new ChunkIndex(), unpublished: new Map() };
}

/** Null when the file is damaged or foreign. */
async function load(
  handle: FileHandle,
  cacheKey: Uint8Array,
): Promise<{ state: IndexState; endOffset: number; tornBytes: number } | null> {
  const fileBytes = (await handle.stat()).size;
  const header = Buffer.alloc(INDEX_HEADER_BYTES);
  await readAll(handle, header, 0);
  if (!header.equals(encodeIndexHeader(cacheKey))) return null;

  const state = emptyState();
  const buffer = Buffer.allocUnsafeSlow(LOAD_BUFFER_BYTES);
  let offset = INDEX_HEADER_BYTES;
  let start = 0;
  let end = 0;
  while (offset < fileBytes) {
    const isWholeRest = offset + (end - start) >= fileBytes;
    if (!isWholeRest && end - start <= INDEX_RECORD_BYTES_MAX) {
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
      end += await readAll(handle, buffer.subarray(end), offset + end);
      assert(end > 0);
    }
    const parsed = parseIndexRecord(cacheKey, buffer.subarray(start, end));
    if (parsed.kind === 'damaged') return null;
    if (parsed.kind === 'torn') break;
    apply(state, parsed.record);
    start += parsed.sizeBytes;
    offset += parsed.sizeBytes;
  }
  return { state, endOffset: offset, tornBytes: fileBytes - offset };
}

/** Bring a record into the state; false when it says nothing new. */
function apply({ index, unpublished }: IndexState, record: IndexRecord): boolean {
  const { objectId } = record;
  const isKnown = index.hasObject(objectId);
  switch (record.type) {
    case 'stored':
      if (isKnown) return false;
      index.addObject(objectId, record.entries);
      if (record.kind === 'data' || record.kind === 'tree') unpublished.set(objectId, record);
      return true;
    case 'known': {
      const wasUnpublished = unpublished.delete(objectId);
      const isNews = index.addObject(objectId, record.entries);
      return wasUnpublished || isNews;
    }
    case 'published':
      return unpublished.delete(objectId);
    case 'forgotten':
      unpublished.delete(objectId);
      index.forgetObject(objectId);
      return isKnown;
    case 'condemned':
      return index.condemn(objectId);
  }
}

async function openExisting(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function readAll(handle: FileHandle, target: Buffer, position: number): Promise<number> {
  let end = 0;
  while (end < target.length) {
    const { bytesRead } = await handle.read(target, end, target.length - end, position + end);
    if (bytesRead === 0) break;
    end += bytesRead;
  }
  return end;
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let start = 0;
  while (start < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, start, bytes.length - start, position + start);
    start += bytesWritten;
  }
}

async function closingOnError<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Closing a handle twice is allowed.
    await handle.close();
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function onLocalDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) {
      throw new ProtocolError('local_disk', {}, { cause: error });
    }
    throw error;
  }
}

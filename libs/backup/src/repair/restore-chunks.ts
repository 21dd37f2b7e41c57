// Stores again, from files that this machine still has, the chunks of objects that nobody can give back.
import { encodeBase64url, type ObjectId } from '#protocol';
import { FileStorer } from '../backup/file-storer.js';
import { IndexPublisher } from '../backup/index-publisher.js';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { identifyChunk } from '../chunking/chunk-id.js';
import { expandGearTable } from '../chunking/fastcdc.js';
import { XattrReader } from '../files/read-xattrs.js';
import { walk } from '../files/walk.js';
import { resolveRoots } from '../files/walk-roots.js';
import type { DataKeys } from '../keys.js';
import type { ObjectKind } from '../objects/object-codec.js';
import type { RandomBytes } from '../objects/shuffle.js';
import type { OnEvent } from '../ports.js';
import { ChunkPacker } from '../put/chunk-packer.js';
import type { ObjectUploader } from '../put/object-uploader.js';
import type { UploadPaceOptions } from '../put/upload-pace.js';

export interface RestoreChunksParts extends UploadPaceOptions {
  readonly keys: DataKeys;
  readonly cache: ChunkIndexFile;
  readonly uploader: ObjectUploader;
  readonly randomBytes: RandomBytes;
  readonly newObjectId: () => ObjectId;
}

/**
 * Read every file of these paths, as a backup does, and store those of its chunks that are wanted.
 *
 * wanted    ids of chunks, as text; none of them is in the cache's index, unless nothing is stored
 * returns   those that were found; they are safe on hosts, and the index that locates them too
 * throws    path_missing | what a backup throws
 */
export async function restoreChunks(
  parts: RestoreChunksParts,
  request: {
    readonly paths: readonly string[];
    readonly wanted: ReadonlySet<string>;
    readonly dryRun: boolean;
    readonly signal: AbortSignal;
    readonly onEvent: OnEvent;
  },
): Promise<ReadonlySet<string>> {
  const { signal, onEvent, wanted, dryRun } = request;
  const { keys } = parts;
  const found = new Set<string>();
  const packer = new ChunkPacker({ ...parts, signal, onStored: () => undefined });
  const store = async (kind: ObjectKind, plaintext: Uint8Array): Promise<string> => {
    const id = encodeBase64url(identifyChunk(keys.chunkIdKey, plaintext).chunkId);
    if (!wanted.has(id) || found.has(id)) return id;
    if (!dryRun) await packer.add(kind, plaintext);
    found.add(id);
    return id;
  };
  const counts = { files: 0, bytes: 0 };
  const files = new FileStorer({
    chunkerKey: keys.chunkerKey,
    gear: expandGearTable(keys.chunkerKey),
    storeData: (plaintext) => store('data', plaintext),
    storeTree: (plaintext) => store('tree', plaintext),
    // Attributes are no part of a file's chunks.
    xattrs: new XattrReader(() => undefined),
    onBytes: (bytes) => {
      counts.bytes += bytes;
    },
  });
  try {
    for await (const event of walk(resolveRoots(request.paths).roots)) {
      if (found.size === wanted.size) break;
      if (event.type !== 'file') continue;
      const stored = await files.store(event.path, event.stat);
      if (!stored.ok) {
        const reason = `cannot be read (${stored.errno})`;
        onEvent({ kind: 'skipped', path: event.path.toString(), code: 'local_disk', reason });
      }
      counts.files++;
      const progress = { filesDone: counts.files, bytesDone: counts.bytes, bytesTotal: null, bytesStored: 0, hosts: 0 };
      onEvent({ kind: 'progress', activity: 'repair', ...progress });
    }
    await packer.flush(['data', 'tree']);
    await new IndexPublisher(parts.cache, packer).publish();
  } finally {
    // Nothing of this run may still be sending when the caller closes the cache.
    await packer.settle();
  }
  return found;
}

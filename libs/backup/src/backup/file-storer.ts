// Reads one file, cuts it into chunks and hands them on.
import type { Readable } from 'node:stream';
import { Chunker } from '../chunking/chunk-stream.js';
import type { GearTable } from '../chunking/fastcdc.js';
import type { StoreChunk } from '../chunking/pushed-chunks.js';
import { errnoOf, skipReasonOf } from '../files/disk-failure.js';
import type { EntryStat } from '../files/entry-stat.js';
import { SMALL_FILE_BYTES_MAX } from '../files/file-limits.js';
import type { Xattr } from '../files/libc.js';
import { openSource, readSmallFile, type SmallFile, type SourceFile, type Unreadable } from '../files/read-file.js';
import type { XattrReader } from '../files/read-xattrs.js';
import { ContentList, type FileContent } from './content-list.js';
import { pullFrom } from './pull-stream.js';

/** What was read: `stat` and `sizeBytes` describe the very bytes that were stored. */
export interface StoredFile {
  readonly ok: true;
  readonly stat: EntryStat;
  readonly sizeBytes: number;
  readonly content: FileContent;
  readonly xattrs: readonly Xattr[] | undefined;
  /** False when an attribute could not be read this time. */
  readonly xattrsWhole: boolean;
  /** Somebody wrote to it meanwhile: what was stored may be of two versions. */
  readonly changed: boolean;
}

export interface FileStorerOptions {
  readonly chunkerKey: Uint8Array;
  readonly gear: GearTable;
  readonly storeData: StoreChunk;
  readonly storeTree: StoreChunk;
  readonly xattrs: XattrReader;
  readonly onBytes: (count: number) => void;
}

export class FileStorer {
  private readonly chunker: Chunker;
  private readonly smallBuffer = Buffer.allocUnsafeSlow(SMALL_FILE_BYTES_MAX + 1);

  constructor(private readonly options: FileStorerOptions) {
    this.chunker = new Chunker(options.chunkerKey);
  }

  /** Store a file as it is; errors of the store come through, those of the disk are a result. */
  async store(path: Buffer, stat: EntryStat): Promise<StoredFile | Unreadable> {
    if (stat.sizeBytes <= SMALL_FILE_BYTES_MAX) {
      const readXattrs = (descriptor: number) => this.options.xattrs.read(descriptor, path);
      const small = readSmallFile(path, stat, this.smallBuffer, readXattrs);
      if (small.ok) return this.storeSmall(small);
      if (small.reason !== 'grown') return small;
    }
    const opened = openSource(path);
    if (!opened.ok) return opened;
    try {
      return await this.storeLarge(path, opened.file);
    } finally {
      opened.file.close();
    }
  }

  /** Store a stream to its end. throws interrupted | local_disk when it fails, and what the store throws */
  async storeStream(stream: Readable, signal: AbortSignal): Promise<{ sizeBytes: number; content: FileContent }> {
    const list = new ContentList(this.options.gear, this.options.storeTree);
    let sizeBytes = 0;
    for await (const chunk of this.chunker.chunks(pullFrom(stream, signal))) {
      await list.add(await this.options.storeData(chunk));
      sizeBytes += chunk.length;
      this.options.onBytes(chunk.length);
    }
    return { sizeBytes, content: await list.end() };
  }

  private async storeSmall(small: SmallFile & { readonly ok: true }): Promise<StoredFile> {
    const { bytes, stat, xattrs, changed } = small;
    // Nobody else has read attributes since: a small file is read in one go.
    const xattrsWhole = this.options.xattrs.lastWasWhole;
    const content = bytes.length === 0 ? [] : [await this.options.storeData(bytes)];
    this.options.onBytes(bytes.length);
    return { ok: true, stat, sizeBytes: bytes.length, content: { content }, xattrs, xattrsWhole, changed };
  }

  private async storeLarge(path: Buffer, file: SourceFile): Promise<StoredFile | Unreadable> {
    const list = new ContentList(this.options.gear, this.options.storeTree);
    let diskFailure: { readonly error: unknown } | null = null;
    let sizeBytes = 0;
    const read = async (target: Buffer, offset: number, length: number): Promise<number> => {
      try {
        return await file.read(target, offset, length);
      } catch (error) {
        diskFailure = { error };
        throw error;
      }
    };
    try {
      for await (const chunk of this.chunker.chunks(read)) {
        await list.add(await this.options.storeData(chunk));
        sizeBytes += chunk.length;
        this.options.onBytes(chunk.length);
      }
    } catch (error) {
      if ((diskFailure as { readonly error: unknown } | null)?.error !== error) throw error;
      const errno = errnoOf(error);
      return { ok: false, reason: skipReasonOf(errno), errno };
    }
    const xattrs = this.options.xattrs.read(file.descriptor, path);
    const xattrsWhole = this.options.xattrs.lastWasWhole;
    const content = await list.end();
    return { ok: true, stat: file.stat, sizeBytes, content, xattrs, xattrsWhole, changed: file.changed() };
  }
}

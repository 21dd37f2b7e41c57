// The chunks that one stretch of a restore needs, sorted by the object that holds them, so that each is fetched once.
import type { ObjectId } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import type { ChunkEntry } from '../objects/object-codec.js';
import type { RestoringFile } from './restoring-file.js';

/** A stretch ends at this many chunks; each takes about 100 bytes while it waits. */
const CHUNKS_MAX = 65_536;
/** And at this many files, each with an entry and a place in the writer. */
const FILES_MAX = 4_096;

export interface WantedChunk {
  readonly entry: ChunkEntry;
  readonly file: RestoringFile;
  readonly offset: number;
}

export class RestoreWindow {
  private byObject = new Map<ObjectId, WantedChunk[]>();
  private chunkCount = 0;
  private fileCount = 0;

  get isFull(): boolean {
    return this.chunkCount >= CHUNKS_MAX || this.fileCount >= FILES_MAX;
  }

  addFile(): void {
    this.fileCount++;
  }

  add(location: ChunkLocation, file: RestoringFile, offset: number): void {
    this.chunkCount++;
    const wanted = { entry: location.entry, file, offset };
    const known = this.byObject.get(location.objectId);
    if (known === undefined) this.byObject.set(location.objectId, [wanted]);
    else known.push(wanted);
  }

  /** Everything that was added, by object, in the order of first need; the window is empty afterwards. */
  take(): (readonly [ObjectId, readonly WantedChunk[]])[] {
    const all = [...this.byObject];
    this.byObject = new Map();
    this.chunkCount = 0;
    this.fileCount = 0;
    return all;
  }
}

// A file between its first and its last chunk: made with the first one, finished when all are written, abandoned when
// one cannot be had.
import { isRefusal } from '#protocol';
import type { RestoredMetadata, RestoreWriter } from '../files/restore-writer.js';
import type { RestoredFile } from '../files/target-files.js';
import { isAboutOneEntry } from './entry-failure.js';

export class RestoringFile {
  private waitingChunks = 0;
  private allExpected = false;
  private failure: Error | null = null;
  private file: RestoredFile | null = null;

  /**
   * open   makes the file. Not before there is something to write: a window of a restore knows thousands of files, and
   *        few may be open at once
   * onEnd  called once, with null and the file's identity when it has all its bytes, else with what kept it from them
   * path   for people
   */
  constructor(
    private readonly writer: RestoreWriter,
    private readonly open: () => RestoredFile,
    private readonly metadata: RestoredMetadata,
    private readonly onEnd: (failure: Error | null, identity: string) => void,
    readonly path = '',
  ) {}

  expectChunk(): void {
    this.waitingChunks++;
  }

  /** No further chunks will be expected; `failure` when the list of them broke off. */
  expectNoMore(failure: Error | null): void {
    this.allExpected = true;
    this.failure ??= failure;
    this.endWhenDone();
  }

  /** An expected chunk is here. A file that has failed already takes no more bytes. throws local_disk */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    await this.takeOver(bytes, offset);
    this.waitingChunks--;
    this.endWhenDone();
  }

  /** Bytes of it that no chunk is expected for are here. throws local_disk */
  async takeOver(bytes: Uint8Array, offset: number): Promise<void> {
    const file = this.opened();
    if (file !== null) await this.writeOrFail(file, bytes, offset);
  }

  /** Begin with the bytes of an open file, if the disk can share them. throws local_disk */
  shareBytes(from: number): boolean {
    const file = this.opened();
    return file !== null && this.writer.shareBytes(file, from);
  }

  /** An expected chunk will not come. The file is removed when nothing writes to it any more. */
  loseChunk(failure: Error): void {
    this.failure ??= failure;
    this.waitingChunks--;
    this.endWhenDone();
  }

  /** An entry that does not fit its own chunks is the loss of this file, not of the restore; so is one that somebody moved. */
  private async writeOrFail(file: RestoredFile, bytes: Uint8Array, offset: number): Promise<void> {
    try {
      await this.writer.writeAt(file, bytes, offset);
    } catch (error) {
      if (!isAboutOneEntry(error)) throw error;
      this.failure ??= error;
    }
  }

  private endWhenDone(): void {
    if (!this.allExpected || this.waitingChunks > 0) return;
    const file = this.opened();
    const identity = file === null || this.failure !== null ? null : this.finish(file);
    if (identity === null && this.file !== null) this.abandon(this.file);
    this.onEnd(this.failure, identity ?? '');
  }

  /** Null once anything has failed. */
  private finish(file: RestoredFile): string | null {
    // Whatever comes of it, there is nothing left to abandon.
    this.file = null;
    try {
      return this.writer.finishFile(file, this.metadata);
    } catch (error) {
      if (!isAboutOneEntry(error)) throw error;
      this.failure = error;
      return null;
    }
  }

  /** What somebody has moved away cannot be removed, and its loss is told already. */
  private abandon(file: RestoredFile): void {
    try {
      this.writer.abandonFile(file);
    } catch (error) {
      if (!isAboutOneEntry(error)) throw error;
    }
  }

  /** The file, made if need be; null once anything has failed. */
  private opened(): RestoredFile | null {
    if (this.failure !== null) return null;
    try {
      this.file ??= this.open();
      return this.file;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.failure = error;
      return null;
    }
  }
}

// A file between its first and its last chunk: made with the first one, finished when all are written, abandoned when
// one cannot be had.
import { isRefusal } from '#protocol';
import type { RestoredMetadata, RestoreWriter } from '../files/restore-writer.js';
import type { RestoredFile } from '../files/target-files.js';

export class RestoringFile {
  private waitingChunks = 0;
  private allExpected = false;
  private failure: Error | null = null;
  private file: RestoredFile | null = null;

  /**
   * open   makes the file. Not before there is something to write: a window of a restore knows thousands of files, and
   *        few may be open at once
   * onEnd  called once, with null when the file has all its bytes, else with what kept it from them
   */
  constructor(
    private readonly writer: RestoreWriter,
    private readonly open: () => RestoredFile,
    private readonly metadata: RestoredMetadata,
    private readonly onEnd: (failure: Error | null) => void,
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
    const file = this.opened();
    if (file !== null) await this.writeOrFail(file, bytes, offset);
    this.waitingChunks--;
    this.endWhenDone();
  }

  /** An expected chunk will not come. The file is removed when nothing writes to it any more. */
  loseChunk(failure: Error): void {
    this.failure ??= failure;
    this.waitingChunks--;
    this.endWhenDone();
  }

  /** An entry that does not fit its own chunks is the loss of this file, not of the restore. */
  private async writeOrFail(file: RestoredFile, bytes: Uint8Array, offset: number): Promise<void> {
    try {
      await this.writer.writeAt(file, bytes, offset);
    } catch (error) {
      if (!isRefusal(error, 'snapshot_damaged')) throw error;
      this.failure ??= error;
    }
  }

  private endWhenDone(): void {
    if (!this.allExpected || this.waitingChunks > 0) return;
    const file = this.opened();
    if (file !== null && this.failure === null) this.writer.finishFile(file, this.metadata);
    else if (this.file !== null) this.writer.abandonFile(this.file);
    this.onEnd(this.failure);
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

// A file between its first and its last chunk: finished when all are written, abandoned when one cannot be had.
import { isRefusal } from '#protocol';
import type { RestoredMetadata, RestoreWriter } from '../files/restore-writer.js';
import type { RestoredFile } from '../files/target-files.js';

export class RestoringFile {
  private waitingChunks = 0;
  private allExpected = false;
  private failure: Error | null = null;

  /** onEnd: called once, with null when the file has all its bytes, else with what kept it from them. */
  constructor(
    private readonly writer: RestoreWriter,
    private readonly file: RestoredFile,
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
    if (this.failure === null) await this.writeOrFail(bytes, offset);
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
  private async writeOrFail(bytes: Uint8Array, offset: number): Promise<void> {
    try {
      await this.writer.writeAt(this.file, bytes, offset);
    } catch (error) {
      if (!isRefusal(error, 'snapshot_damaged')) throw error;
      this.failure ??= error;
    }
  }

  private endWhenDone(): void {
    if (!this.allExpected || this.waitingChunks > 0) return;
    if (this.failure === null) this.writer.finishFile(this.file, this.metadata);
    else this.writer.abandonFile(this.file);
    this.onEnd(this.failure);
  }
}

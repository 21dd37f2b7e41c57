// Takes a body off the network and puts it on the disk: counted, hashed and written in one pass, in large writes.
import type { Readable } from 'node:stream';
import { ContentIdHasher, ProtocolError, type TokenItem } from '#protocol';
import { DISK_BATCH_BYTES } from '../limits.js';
import { CutOff } from '../serving/cut-off.js';
import { DiskFailure } from './disk-failure.js';
import type { WritableShard } from './shard-files.js';

/** What the watch over slow transfers sees of one, and how it ends it. */
export class Progress {
  bytesMoved = 0;
  /** Of them: those that went out. */
  bytesSent = 0;
  cut: (reason: Error) => void = () => undefined;
}

/**
 * Read `body` to its end into `file`: exactly the item's bytes, then the hashes of its blocks. Nothing is synced here.
 *
 * body    with an error listener of the caller's: its errors outside of this reading are no news here
 *
 * At most two batches are in memory: the one that is gathered and the one that the disk has.
 *
 * throws   the reason of `progress.cut`; shard_too_long (as soon as one byte too many has come) | shard_too_short | shard_content_mismatch;
 *          CutOff when the network ended first; DiskFailure
 */
export function receiveShard(body: Readable, file: WritableShard, item: TokenItem, progress: Progress): Promise<void> {
  return new Promise((resolve, reject) => {
    new Reception(body, file, item, progress, (error) => (error === null ? resolve() : reject(error))).begin();
  });
}

class Reception {
  private readonly hasher = new ContentIdHasher();
  private gathered: Uint8Array[] = [];
  private gatheredBytes = 0;
  private position = 0;
  private writing = false;
  /** All bytes have come, and they are the right ones. */
  private complete = false;
  private settled = false;

  constructor(
    private readonly body: Readable,
    private readonly file: WritableShard,
    private readonly item: TokenItem,
    private readonly progress: Progress,
    private readonly settle: (error: unknown) => void,
  ) {}

  begin(): void {
    // A body whose connection is gone would never say anything again.
    if (this.body.destroyed) {
      this.settle(new CutOff());
      return;
    }
    this.progress.cut = (reason) => this.finish(reason);
    this.body.on('data', this.onData).on('end', this.onEnd).on('error', this.onCut).on('close', this.onCut);
  }

  private readonly onData = (piece: Uint8Array): void => {
    this.progress.bytesMoved += piece.length;
    if (this.hasher.sizeBytes + piece.length > this.item.sizeBytes) {
      this.finish(new ProtocolError('shard_too_long'));
      return;
    }
    this.hasher.update(piece);
    this.gather(piece);
    if (this.gatheredBytes < DISK_BATCH_BYTES) return;
    if (this.writing) this.body.pause();
    else this.write();
  };

  private readonly onEnd = (): void => {
    if (this.hasher.sizeBytes < this.item.sizeBytes) {
      this.finish(new ProtocolError('shard_too_short'));
      return;
    }
    const { cid, blockHashes } = this.hasher.finish();
    if (cid !== this.item.cid) {
      this.finish(new ProtocolError('shard_content_mismatch'));
      return;
    }
    this.complete = true;
    for (const hash of blockHashes) this.gather(hash);
    if (!this.writing) this.write();
  };

  private readonly onCut = (error?: Error): void => {
    if (!this.complete) this.finish(new CutOff(error));
  };

  private gather(piece: Uint8Array): void {
    this.gathered.push(piece);
    this.gatheredBytes += piece.length;
  }

  private write(): void {
    const pieces = this.gathered;
    const at = this.position;
    this.position += this.gatheredBytes;
    this.gathered = [];
    this.gatheredBytes = 0;
    this.writing = true;
    this.file.write(pieces, at).then(
      () => this.onWritten(),
      (error) => this.finish(DiskFailure.ofWrite(error)),
    );
  }

  private onWritten(): void {
    this.writing = false;
    if (this.settled) return;
    if (this.complete && this.gatheredBytes === 0) {
      this.finish(null);
      return;
    }
    if (this.complete || this.gatheredBytes >= DISK_BATCH_BYTES) this.write();
    this.body.resume();
  }

  private finish(error: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.body.off('data', this.onData).off('end', this.onEnd).off('error', this.onCut).off('close', this.onCut);
    this.progress.cut = () => undefined;
    if (error !== null) this.body.pause();
    this.settle(error);
  }
}

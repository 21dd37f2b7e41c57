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
  cut: (reason: Error) => void = () => undefined;
}

/**
 * Read `body` to its end into `file`: exactly the item's bytes, then the hashes of its blocks. Nothing is synced here.
 *
 * At most two batches are in memory: the one that is gathered and the one that the disk has.
 *
 * throws   the reason of `progress.cut`; shard_too_long (as soon as one byte too many has come) | shard_too_short | shard_content_mismatch;
 *          CutOff when the network ended first; DiskFailure
 */
export function receiveShard(body: Readable, file: WritableShard, item: TokenItem, progress: Progress): Promise<void> {
  return new Promise((resolve, reject) => {
    const hasher = new ContentIdHasher();
    let gathered: Uint8Array[] = [];
    let gatheredBytes = 0;
    let position = 0;
    let writing = false;
    let ended = false;
    let settled = false;

    const finish = (error: unknown): void => {
      if (settled) return;
      settled = true;
      body.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      // A late error of a body that nobody reads any more is no news.
      body.on('error', () => undefined);
      progress.cut = () => undefined;
      if (error === null) return resolve();
      body.pause();
      reject(error);
    };

    const write = (): void => {
      const pieces = gathered;
      const at = position;
      position += gatheredBytes;
      gathered = [];
      gatheredBytes = 0;
      writing = true;
      file.write(pieces, at).then(onWritten, (error) => finish(DiskFailure.ofWrite(error)));
    };

    const onWritten = (): void => {
      writing = false;
      if (settled) return;
      if (gatheredBytes >= DISK_BATCH_BYTES || (ended && gatheredBytes > 0)) write();
      else if (ended) return finish(null);
      body.resume();
    };

    const onData = (piece: Uint8Array): void => {
      progress.bytesMoved += piece.length;
      if (hasher.sizeBytes + piece.length > item.sizeBytes) return finish(new ProtocolError('shard_too_long'));
      hasher.update(piece);
      gathered.push(piece);
      gatheredBytes += piece.length;
      if (gatheredBytes < DISK_BATCH_BYTES) return;
      if (writing) body.pause();
      else write();
    };

    const onEnd = (): void => {
      if (hasher.sizeBytes < item.sizeBytes) return finish(new ProtocolError('shard_too_short'));
      const { cid, blockHashes } = hasher.finish();
      if (cid !== item.cid) return finish(new ProtocolError('shard_content_mismatch'));
      ended = true;
      gathered.push(...blockHashes);
      gatheredBytes += blockHashes.length * blockHashes[0]!.length;
      if (!writing) write();
    };

    const onCut = (error?: Error): void => {
      if (!ended) finish(new CutOff(error));
    };

    // Before the listeners: a body whose connection is gone would never say anything again.
    if (body.destroyed) return finish(new CutOff());
    progress.cut = finish;
    body.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  });
}

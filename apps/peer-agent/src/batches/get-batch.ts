// The items of a get batch: verified blocks in frames, one item after another; a bad one does not end the answer.
import { strict as assert } from 'node:assert';
import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import {
  BATCH_CONTENT_TYPE,
  BATCH_FRAME_BYTES_MAX,
  type BatchFrameKind,
  type ErrorCode,
  encodeFrameHead,
  ProtocolError,
  utf8,
} from '#protocol';
import { DISK_BATCH_BYTES } from '../limits.js';
import { CutOff } from '../serving/cut-off.js';
import { sendBytes } from '../serving/send-batch.js';
import { DiskShardStore, type ServedShard } from '../shards/disk-shard-store.js';
import type { Progress } from '../shards/receive-shard.js';
import { ShardIndex } from '../shards/shard-index.js';
import { succeeded } from '../tokens/batch-items.js';
import type { ClaimedItem } from '../tokens/replay-list.js';
import { codeAmong } from './batch-record.js';
import type { BatchKind, BatchRun } from './batch-run.js';

const OF_ITEM: ReadonlySet<ErrorCode> = new Set(['shard_unknown', 'shard_corrupt']);

@Injectable()
export class GetBatch implements BatchKind {
  constructor(
    private readonly shardStore: DiskShardStore,
    private readonly shardIndex: ShardIndex,
  ) {}

  /** What was on its way when the connection broke is served again; the bound on all its bytes is on the token. */
  mayGoOn(position: number, done: number): boolean {
    return position <= done;
  }

  async run({ exchange: { response }, held, items, position, record }: BatchRun): Promise<void> {
    const { progress } = held.transfer;
    progress.cut = () => response.destroy();
    for (let i = position; i < items.length; i++) {
      record.assertWritten();
      const claim = items[i]!;
      const served = await this.serveItem(claim, response, progress);
      if (typeof served === 'string') {
        record.refuse(claim, i, served);
        await sendFrame(response, 'failed', utf8(served), progress);
      } else {
        record.add(i, succeeded(served));
        await sendFrame(response, 'whole', new Uint8Array(), progress);
      }
    }
  }

  answer({ exchange: { response } }: Pick<BatchRun, 'exchange'>, receipt: string): void {
    writeHead(response);
    const text = utf8(receipt);
    response.write(encodeFrameHead('receipt', text.length));
    response.end(text);
  }

  /** Returns why the item is not served, as a code. Throws CutOff. */
  private async serveItem(
    claim: ClaimedItem,
    response: ServerResponse,
    progress: Progress,
  ): Promise<ServedShard | ErrorCode> {
    const { cid, sizeBytes } = claim.item;
    try {
      if ((await this.shardIndex.sizeOf(cid)) !== sizeBytes) throw new ProtocolError('shard_unknown');
      return await this.shardStore.serve(claim, (batch) => sendFrame(response, 'bytes', batch, progress));
    } catch (error) {
      return codeAmong(error, OF_ITEM);
    }
  }
}

async function sendFrame(
  response: ServerResponse,
  kind: BatchFrameKind,
  payload: Uint8Array,
  progress: Progress,
): Promise<void> {
  if (response.destroyed) throw new CutOff();
  writeHead(response);
  const head = encodeFrameHead(kind, payload.length);
  if (payload.length === 0) return await sendBytes(response, head, progress);
  response.write(head);
  await sendBytes(response, payload, progress);
}

function writeHead(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': BATCH_CONTENT_TYPE });
}

// What is read from the disk at once goes into one frame.
assert(DISK_BATCH_BYTES <= BATCH_FRAME_BYTES_MAX);

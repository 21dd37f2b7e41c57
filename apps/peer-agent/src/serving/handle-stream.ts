// GET /shards/{cid} with a Range: verify -> reserve of the budget -> read, each block verified -> receipt (SPEC §8).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { BLOCK_BYTES, type BlockTree, encodeBase64url, proveBlockRun } from '#protocol';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { type ClaimedItem, ReplayList } from '../tokens/replay-list.js';
import { aboutTransaction } from './about-transaction.js';
import { AdmitToken } from './admit-token.js';
import { CompleteTransfer } from './complete-transfer.js';
import type { Exchange, Handler } from './exchange.js';
import { FindShard } from './find-shard.js';
import { type ByteRange, contentRange, readRange } from './read-range.js';
import { RECEIPT_FIELD, sendBatch } from './send-batch.js';
import { type Held, TransferFrame } from './transfer-frame.js';

/** Hashes that prove the blocks of the range, for one that is made of whole blocks. */
const PROOF_FIELD = 'peerkeep-proof';

@Injectable()
export class HandleStream implements Handler {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly findShard: FindShard,
    private readonly shardStore: DiskShardStore,
    private readonly frame: TransferFrame,
    private readonly complete: CompleteTransfer,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async run(exchange: Exchange): Promise<void> {
    const token = this.admitToken.run(exchange);
    const item = await this.findShard.run(token, exchange);
    const range = aboutTransaction(token, () => readRange(exchange.request.headers.range ?? '', item.sizeBytes));
    await this.frame.run(
      exchange,
      token,
      () => this.replayList.claimItem(token, item, range.end - range.start),
      (held) => this.serve(exchange, held, range),
    );
  }

  private async serve({ response }: Exchange, held: Held<ClaimedItem>, range: ByteRange): Promise<void> {
    const {
      claim,
      place,
      transfer: { progress, networkDone },
    } = held;
    const { sizeBytes } = claim.item;
    const startedMs = this.clock.monotonicMs();
    progress.cut = () => response.destroy();
    let head = { status: 206, headers: headersOf(range, sizeBytes, null) };
    const onTree = (tree: BlockTree): void => {
      head = { status: 206, headers: headersOf(range, sizeBytes, tree) };
    };
    const part = await this.shardStore.servePart(claim, { ...range, onTree }, (batch) =>
      sendBatch({ response, head, batch, progress }),
    );
    networkDone();
    const receipt = await this.complete.servedPart(part, place);
    response.addTrailers({ [RECEIPT_FIELD]: receipt });
    response.end();
    this.log.info({
      event: 'range_served',
      transactionId: claim.token.transactionId,
      sizeBytes: part.partBytes,
      tookMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
  }
}

/** No content-length: a body that can be cut off is chunked, so that it can carry its receipt behind it. */
function headersOf(range: ByteRange, sizeBytes: number, tree: BlockTree | null): Record<string, string> {
  const headers = { 'content-range': contentRange(range, sizeBytes) };
  const { start, end } = range;
  const isWholeBlocks = start % BLOCK_BYTES === 0 && (end % BLOCK_BYTES === 0 || end === sizeBytes);
  if (tree === null || !isWholeBlocks) return headers;
  const proof = proveBlockRun(tree, { first: start / BLOCK_BYTES, last: Math.ceil(end / BLOCK_BYTES) - 1 });
  return { ...headers, [PROOF_FIELD]: proof.map(encodeBase64url).join(' ') };
}

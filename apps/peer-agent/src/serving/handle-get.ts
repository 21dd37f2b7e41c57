// GET /shards/{cid}: verify -> claim -> read, each block verified -> receipt -> burn -> the receipt as a trailer (SPEC §8).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { ProtocolError, type VerifiedToken } from '#protocol';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import type { EmitBytes } from '../shards/read-verified.js';
import { type ClaimedItem, ReplayList } from '../tokens/replay-list.js';
import { AdmitToken } from './admit-token.js';
import { answerProblem, drain } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import type { Exchange, Handler } from './exchange.js';
import { FindShard } from './find-shard.js';
import { RECEIPT_FIELD, sendBatch } from './send-batch.js';
import { type Held, TransferFrame } from './transfer-frame.js';

const HEAD = { status: 200, headers: {} };

@Injectable()
export class HandleGet implements Handler {
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
    if (this.replayList.isBurned(token)) return this.answerAgain(exchange, token);
    const { item, file } = await this.findShard.orShelved(token, exchange);
    await this.frame.run(
      exchange,
      token,
      () => this.replayList.claimItem(token, item, item.sizeBytes),
      (held) => this.serve(exchange, held, file),
    );
  }

  /** A get cannot be answered twice: the bytes moved once. Who lost the first receipt finds it in the headers. */
  private async answerAgain({ request, response }: Exchange, token: VerifiedToken): Promise<void> {
    const receipt = await this.replayList.receiptOf(token);
    const error = new ProtocolError('token_burned', { transactionId: token.transactionId });
    if (receipt === null) throw error;
    answerProblem(response, error, { [RECEIPT_FIELD]: receipt });
    drain(request, this.clock);
  }

  /** shelf: where the shard lies when it is not hosted here */
  private async serve(
    { response }: Exchange,
    { claim, place, transfer }: Held<ClaimedItem>,
    shelf: string | null,
  ): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    transfer.progress.cut = () => response.destroy();
    const emit: EmitBytes = (batch) => sendBatch({ response, head: HEAD, batch, progress: transfer.progress });
    const shard = await (shelf === null
      ? this.shardStore.serve(claim, emit)
      : this.shardStore.serveShelved(claim, shelf, emit));
    transfer.networkDone();
    const receipt = await this.complete.served(shard, place);
    response.addTrailers({ [RECEIPT_FIELD]: receipt });
    response.end();
    this.log.info({
      event: 'shard_served',
      transactionId: claim.token.transactionId,
      sizeBytes: claim.item.sizeBytes,
      tookMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
  }
}

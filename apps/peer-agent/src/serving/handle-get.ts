// GET /shards/{cid}: verify -> claim -> read, each block verified -> receipt -> burn -> the receipt as a trailer (SPEC §6).
import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { ProtocolError, type VerifiedToken } from '#protocol';
import { type OutboxPlace, ReportOutbox } from '../reports/report-outbox.js';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import type { Progress } from '../shards/receive-shard.js';
import { ShardIndex } from '../shards/shard-index.js';
import { type ClaimedToken, ReplayList } from '../tokens/replay-list.js';
import { aboutTransaction } from './about-transaction.js';
import { AdmitToken } from './admit-token.js';
import { answerProblem, drain } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import { CutOff } from './cut-off.js';
import type { Exchange } from './exchange.js';
import { hostRefusal } from './host-refusal.js';
import { type Transfer, Transfers } from './transfers.js';

/** Name of the trailer, and of the header on a repeat. */
export const RECEIPT_FIELD = 'peerkeep-receipt';

interface Admission {
  readonly claimed: ClaimedToken;
  readonly place: OutboxPlace;
  readonly transfer: Transfer;
}

@Injectable()
export class HandleGet {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly shardIndex: ShardIndex,
    private readonly shardStore: DiskShardStore,
    private readonly outbox: ReportOutbox,
    private readonly transfers: Transfers,
    private readonly complete: CompleteTransfer,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Throws every refusal that leaves the token unclaimed; answers everything else itself. */
  async run(exchange: Exchange): Promise<void> {
    const token = this.admitToken.run(exchange);
    const {
      transactionId,
      items: [item],
    } = token;
    if (this.replayList.isBurned(token)) return this.answerAgain(exchange, token);
    const sizeBytes = await this.shardIndex.sizeOf(item.cid);
    if (sizeBytes !== item.sizeBytes) throw new ProtocolError('shard_unknown', { transactionId });
    const admission = aboutTransaction(token, () => this.admit(token));
    // From here on the token is this exchange's alone, and must end: burned or released.
    try {
      await this.serve(exchange, admission);
    } catch (error) {
      await this.giveUp(exchange, admission, error);
    } finally {
      admission.transfer.end();
    }
  }

  /** A get cannot be answered twice: the bytes moved once. Who lost the first receipt finds it in the headers. */
  private async answerAgain({ request, response }: Exchange, token: VerifiedToken): Promise<void> {
    const receipt = await this.replayList.receiptOf(token);
    const error = new ProtocolError('token_burned', { transactionId: token.transactionId });
    if (receipt === null) throw error;
    answerProblem(response, error, { [RECEIPT_FIELD]: receipt });
    drain(request, this.clock);
  }

  private admit(token: VerifiedToken): Admission {
    const transfer = this.transfers.begin(token.clientId);
    let place: OutboxPlace | null = null;
    try {
      place = this.outbox.keepPlace();
      return { claimed: this.replayList.claim(token), place, transfer };
    } catch (error) {
      place?.givenBack();
      transfer.end();
      throw error;
    }
  }

  private async serve({ response }: Exchange, { claimed, place, transfer }: Admission): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    transfer.progress.cut = () => response.destroy();
    const shard = await this.shardStore.serve(claimed, (batch) => sendBatch(response, batch, transfer.progress));
    transfer.networkDone();
    const receipt = await this.complete.served(shard, place);
    response.addTrailers({ [RECEIPT_FIELD]: receipt });
    response.end();
    this.log.info({
      event: 'shard_served',
      transactionId: claimed.transactionId,
      sizeBytes: claimed.items[0].sizeBytes,
      tookMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
  }

  private async giveUp({ request, response }: Exchange, admission: Admission, error: unknown): Promise<void> {
    const { claimed, place } = admission;
    const refusal = hostRefusal(error);
    const { transactionId } = claimed;
    this.log.warn({ event: 'get_failed', transactionId, code: error instanceof CutOff ? 'cut_off' : refusal.code });
    if (error instanceof CutOff) return this.complete.cutOff(claimed, place);
    if (refusal.code === 'internal') this.log.error({ event: 'get_mistake', transactionId, err: error });
    if (!this.complete.hasEnded(claimed)) await this.complete.failed(claimed, place, refusal.code);
    // Bytes that went out cannot be taken back: without its last chunk the answer is plainly incomplete.
    if (response.headersSent) response.destroy();
    else answerProblem(response, refusal);
    drain(request, this.clock);
  }
}

/** The head goes out with the first batch: a shard that is bad from the start is answered with a problem document. */
function sendBatch(response: ServerResponse, batch: Uint8Array, progress: Progress): Promise<void> {
  if (response.destroyed) return Promise.reject(new CutOff());
  if (!response.headersSent) {
    response.writeHead(200, { 'content-type': 'application/octet-stream', trailer: RECEIPT_FIELD });
  }
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new CutOff());
    response.once('close', onClose);
    response.write(batch, (error) => {
      response.off('close', onClose);
      if (error) return reject(new CutOff(error));
      progress.bytesMoved += batch.length;
      resolve();
    });
  });
}

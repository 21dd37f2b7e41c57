// PUT /shards/{cid}: verify -> reserve -> claim -> write -> receipt -> burn -> answer (SPEC §6).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { isRefusal, ProtocolError, type VerifiedToken } from '#protocol';
import { type OutboxPlace, ReportOutbox } from '../reports/report-outbox.js';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { type Reservation, SpaceLedger } from '../shards/space-ledger.js';
import { type ClaimedToken, ReplayList } from '../tokens/replay-list.js';
import { aboutTransaction } from './about-transaction.js';
import { AdmitToken } from './admit-token.js';
import { answerProblem, answerReceipt, drain } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import { CutOff } from './cut-off.js';
import type { Exchange } from './exchange.js';
import { hostRefusal } from './host-refusal.js';
import { type Transfer, Transfers } from './transfers.js';

/** What a put holds while it runs. */
interface Admission {
  readonly claimed: ClaimedToken;
  readonly space: Reservation;
  readonly place: OutboxPlace;
  readonly transfer: Transfer;
}

@Injectable()
export class HandlePut {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly shardStore: DiskShardStore,
    private readonly space: SpaceLedger,
    private readonly outbox: ReportOutbox,
    private readonly transfers: Transfers,
    private readonly complete: CompleteTransfer,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Throws every refusal that leaves the token unclaimed; answers everything else itself. */
  async run(exchange: Exchange): Promise<void> {
    const token = this.admitToken.run(exchange);
    if (this.replayList.isBurned(token)) return this.answerAgain(exchange, token);
    const admission = aboutTransaction(token, () => this.admit(token));
    // From here on the token is this exchange's alone, and must end: burned or released.
    let keptBytes = 0;
    try {
      keptBytes = await this.store(exchange, admission);
    } catch (error) {
      await this.giveUp(exchange, admission, error);
    } finally {
      admission.space.end(keptBytes);
      admission.transfer.end();
    }
  }

  /** The token has done its work: the first receipt, and no byte is taken. */
  private async answerAgain({ request, response }: Exchange, token: VerifiedToken): Promise<void> {
    const receipt = await this.replayList.receiptOf(token);
    if (receipt === null) throw new ProtocolError('token_burned', { transactionId: token.transactionId });
    answerReceipt(response, 200, receipt);
    drain(request, this.clock);
  }

  /** Takes all that a put needs, or nothing. One turn of the event loop: nobody comes between the checks. */
  private admit(token: VerifiedToken): Admission {
    this.shardStore.assertWritable();
    const transfer = this.transfers.begin(token.clientId);
    let place: OutboxPlace | null = null;
    let space: Reservation | null = null;
    try {
      place = this.outbox.keepPlace();
      space = this.space.reserve(token.items[0].sizeBytes);
      return { claimed: this.replayList.claim(token), space, place, transfer };
    } catch (error) {
      space?.end(0);
      place?.givenBack();
      transfer.end();
      throw error;
    }
  }

  /** Returns how many bytes the host holds more than before. */
  private async store({ request, response }: Exchange, admission: Admission): Promise<number> {
    const { claimed, place, transfer } = admission;
    const startedMs = this.clock.monotonicMs();
    assertDeclaredLength(request.headers['content-length'], claimed.items[0].sizeBytes);
    if (request.headers.expect !== undefined) response.writeContinue();
    const shard = await this.shardStore.write(claimed, request, transfer.progress);
    transfer.networkDone();
    const { receipt, isNew } = await this.complete.stored(shard, place);
    answerReceipt(response, 201, receipt);
    this.log.info({
      event: 'shard_stored',
      transactionId: claimed.transactionId,
      sizeBytes: claimed.items[0].sizeBytes,
      isNew,
      tookMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
    return isNew ? claimed.items[0].sizeBytes : 0;
  }

  private async giveUp({ request, response }: Exchange, admission: Admission, error: unknown): Promise<void> {
    const { claimed, place } = admission;
    const refusal = hostRefusal(error);
    const { transactionId } = claimed;
    this.log.info({ event: 'put_failed', transactionId, code: error instanceof CutOff ? 'cut_off' : refusal.code });
    if (error instanceof CutOff) return this.complete.cutOff(claimed, place);
    if (refusal.code === 'internal') this.log.error({ event: 'put_mistake', transactionId, err: error });
    if (isRefusal(error, 'transfer_too_slow')) await this.complete.cutOff(claimed, place);
    else if (!this.complete.hasEnded(claimed)) await this.complete.failed(claimed, place, refusal.code);
    answerProblem(response, refusal);
    drain(request, this.clock);
  }
}

/** A length that is declared wrong needs no byte to be read. */
function assertDeclaredLength(declared: string | undefined, sizeBytes: number): void {
  if (declared === undefined) return;
  if (Number(declared) > sizeBytes) throw new ProtocolError('shard_too_long');
  if (Number(declared) < sizeBytes) throw new ProtocolError('shard_too_short');
}

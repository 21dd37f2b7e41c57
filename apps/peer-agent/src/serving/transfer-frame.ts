// What stands around every transfer, whatever it moves: a place, room for its report, the claim; and one end for each.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { isRefusal, type VerifiedToken } from '#protocol';
import { AgentMetrics, type TransferOutcome } from '../metrics/agent-metrics.js';
import { type OutboxPlace, ReportOutbox } from '../reports/report-outbox.js';
import type { Progress } from '../shards/receive-shard.js';
import { aboutTransaction } from './about-transaction.js';
import { answerProblem, drain } from './answers.js';
import { type Claim, CompleteTransfer } from './complete-transfer.js';
import { CutOff } from './cut-off.js';
import type { Exchange } from './exchange.js';
import { hostRefusal } from './host-refusal.js';
import { type Transfer, Transfers } from './transfers.js';

/** What a transfer holds while it runs. */
export interface Held<C extends Claim = Claim> {
  readonly claim: C;
  readonly place: OutboxPlace;
  readonly transfer: Transfer;
}

@Injectable()
export class TransferFrame {
  constructor(
    private readonly outbox: ReportOutbox,
    private readonly transfers: Transfers,
    private readonly complete: CompleteTransfer,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly metrics: AgentMetrics,
  ) {}

  /**
   * Take all that a transfer needs, or nothing, in one turn of the event loop; then do its work, which ends the claim
   * by one of the ways of CompleteTransfer. When the work throws, the claim is ended here and the peer hears why.
   *
   * claim   takes the token, or a use of it
   * throws  host_stopping | host_busy | report_outbox_full, what `claim` does; the token is then as it was
   */
  async run<C extends Claim>(
    exchange: Exchange,
    token: VerifiedToken,
    claim: () => C,
    work: (held: Held<C>) => Promise<void>,
  ): Promise<void> {
    const held = aboutTransaction(token, () => this.take(token, claim));
    let outcome: TransferOutcome = 'done';
    // From here on the claim is this exchange's alone, and must end.
    try {
      await this.complete.begin(held.claim, held.place);
      await work(held);
    } catch (error) {
      outcome = error instanceof CutOff ? 'cut_off' : 'failed';
      await this.giveUp(exchange, held, error);
    } finally {
      held.transfer.end();
      this.count(token, outcome, held.transfer.progress);
    }
  }

  private count({ op }: VerifiedToken, outcome: TransferOutcome, { bytesMoved, bytesSent }: Progress): void {
    this.metrics.transfers.inc({ op, outcome });
    this.metrics.sent.inc(bytesSent);
    this.metrics.received.inc(bytesMoved - bytesSent);
  }

  private take<C extends Claim>(token: VerifiedToken, claim: () => C): Held<C> {
    const transfer = this.transfers.begin(token.clientId);
    let place: OutboxPlace | null = null;
    try {
      place = this.outbox.keepPlace();
      return { claim: claim(), place, transfer };
    } catch (error) {
      place?.givenBack();
      transfer.end();
      throw error;
    }
  }

  private async giveUp({ request, response }: Exchange, held: Held, error: unknown): Promise<void> {
    const { transactionId, doing } = held.claim.token;
    const refusal = hostRefusal(error);
    const isCutOff = error instanceof CutOff;
    this.log.info({ event: `${doing}_failed`, transactionId, code: isCutOff ? 'cut_off' : refusal.code });
    if (refusal.code === 'internal' && !isCutOff) {
      this.log.error({ event: `${doing}_mistake`, transactionId, err: error });
    }
    if (!this.complete.hasEnded(held.claim)) {
      const { bytesMoved } = held.transfer.progress;
      // A mistake of ours must not cost a client the receipts for what is done of its batch.
      const isOursInBatch = refusal.code === 'internal' && held.claim.batch !== undefined;
      if (isCutOff || isRefusal(error, 'transfer_too_slow') || isOursInBatch) {
        await this.complete.cutOff(held.claim, held.place, bytesMoved);
      } else {
        await this.complete.failed(held.claim, held.place, refusal.code, bytesMoved);
      }
    }
    if (isCutOff) return;
    // Bytes that went out cannot be taken back: without its last chunk the answer is plainly incomplete.
    if (response.headersSent) response.destroy();
    else answerProblem(response, refusal);
    drain(request, this.clock);
  }
}

// DELETE /shards/{cid}: verify -> claim -> condemn -> receipt, burn and trash in one unit -> bury -> answer (SPEC §8).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { ShardTrash } from '../shards/shard-trash.js';
import { type ClaimedItem, onlyItemOf, ReplayList } from '../tokens/replay-list.js';
import { aboutTransaction } from './about-transaction.js';
import { AdmitToken } from './admit-token.js';
import { answerAgain } from './answer-again.js';
import { answerReceipt } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import type { Exchange, Handler } from './exchange.js';
import { type Held, TransferFrame } from './transfer-frame.js';

@Injectable()
export class HandleDelete implements Handler {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly trash: ShardTrash,
    private readonly frame: TransferFrame,
    private readonly complete: CompleteTransfer,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async run(exchange: Exchange): Promise<void> {
    const { replayList, clock } = this;
    const token = this.admitToken.run(exchange);
    if (replayList.isBurned(token)) return answerAgain(exchange, token, { replayList, clock });
    const refusal = await this.trash.refusalOf(token, token.items[0]!);
    aboutTransaction(token, () => {
      if (refusal !== null) throw refusal;
    });
    await this.frame.run(
      exchange,
      token,
      () => onlyItemOf(replayList.claim(token)),
      (held) => this.delete(exchange, held),
    );
  }

  private async delete({ response }: Exchange, { claim, place, transfer }: Held<ClaimedItem>): Promise<void> {
    // It waits for those that put the shard, and for no network.
    transfer.networkDone();
    const shard = await this.trash.condemn(claim);
    let receipt: string | null = null;
    try {
      receipt = await this.complete.deleted(shard, place);
    } finally {
      await this.trash.bury(shard, receipt !== null);
    }
    answerReceipt(response, 200, receipt);
    const { transactionId } = claim.token;
    this.log.info({ event: 'shard_deleted', transactionId, sizeBytes: claim.item.sizeBytes });
  }
}

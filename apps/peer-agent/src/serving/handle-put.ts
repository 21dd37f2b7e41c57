// PUT /shards/{cid}: verify -> reserve -> claim -> write -> receipt -> burn -> answer (SPEC §8).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { ProtocolError, SHARD_BYTES_MAX, type TokenItem } from '#protocol';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { type Reservation, SpaceLedger } from '../shards/space-ledger.js';
import { type ClaimedItem, ReplayList } from '../tokens/replay-list.js';
import { aboutTransaction } from './about-transaction.js';
import { AdmitToken } from './admit-token.js';
import { answerAgain } from './answer-again.js';
import { answerReceipt } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import type { Exchange, Handler } from './exchange.js';
import { type Held, TransferFrame } from './transfer-frame.js';

@Injectable()
export class HandlePut implements Handler {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly shardStore: DiskShardStore,
    private readonly space: SpaceLedger,
    private readonly frame: TransferFrame,
    private readonly complete: CompleteTransfer,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async run(exchange: Exchange): Promise<void> {
    const token = this.admitToken.run(exchange);
    if (this.replayList.isBurned(token))
      return answerAgain(exchange, token, { replayList: this.replayList, clock: this.clock });
    const item = token.items[0] ?? itemToPut(exchange);
    const space = aboutTransaction(token, () => this.reserve(item.sizeBytes));
    let keptBytes = 0;
    try {
      // In the same turn of the event loop: nobody comes between the space and the claim.
      await this.frame.run(
        exchange,
        token,
        () => this.replayList.claimItem(token, item, item.sizeBytes),
        async (held) => {
          keptBytes = await this.store(exchange, held);
        },
      );
    } finally {
      space.end(keptBytes);
    }
  }

  private reserve(sizeBytes: number): Reservation {
    this.shardStore.assertWritable();
    return this.space.reserve(sizeBytes);
  }

  /** Returns how many bytes the host holds more than before. */
  private async store({ request, response }: Exchange, held: Held<ClaimedItem>): Promise<number> {
    const { claim, place, transfer } = held;
    const { sizeBytes } = claim.item;
    const startedMs = this.clock.monotonicMs();
    assertDeclaredLength(request.headers['content-length'], sizeBytes);
    if (request.headers.expect !== undefined) response.writeContinue();
    const shard = await this.shardStore.write(claim, request, transfer.progress);
    transfer.networkDone();
    const { receipt, isNew } = await this.complete.stored(shard, place);
    answerReceipt(response, 201, receipt);
    this.log.info({
      event: 'shard_stored',
      transactionId: claim.token.transactionId,
      sizeBytes,
      isNew,
      tookMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
    return isNew ? sizeBytes : 0;
  }
}

/** A universal token names no shard: the path does, and the declared length. */
function itemToPut({ request, cid }: Exchange): TokenItem {
  const declared = request.headers['content-length'];
  if (declared === undefined || cid === null) throw new ProtocolError('request_invalid', { field: 'content-length' });
  const sizeBytes = Number(declared);
  if (sizeBytes < 1) throw new ProtocolError('shard_too_short');
  if (sizeBytes > SHARD_BYTES_MAX) throw new ProtocolError('shard_too_long');
  return { cid, sizeBytes };
}

/** A length that is declared wrong needs no byte to be read. */
function assertDeclaredLength(declared: string | undefined, sizeBytes: number): void {
  if (declared === undefined) return;
  if (Number(declared) > sizeBytes) throw new ProtocolError('shard_too_long');
  if (Number(declared) < sizeBytes) throw new ProtocolError('shard_too_short');
}

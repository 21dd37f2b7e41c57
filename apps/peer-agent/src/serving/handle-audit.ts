// POST /audits/{cid}: the broker asks for some blocks; they go out with the paths that prove them, and with no receipt.
import { Injectable } from '@nestjs/common';
import {
  type AuditAnswer,
  type AuditRequest,
  auditRequest,
  blocksOf,
  encodeBase64url,
  ProtocolError,
  proveBlockRun,
} from '#protocol';
import { AUDIT_BODY_BYTES_MAX } from '../limits.js';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { type ClaimedItem, ReplayList } from '../tokens/replay-list.js';
import { AdmitToken } from './admit-token.js';
import { answerJson } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import type { Exchange, Handler } from './exchange.js';
import { FindShard } from './find-shard.js';
import { readSmallBody } from './read-small-body.js';
import { TransferFrame } from './transfer-frame.js';

@Injectable()
export class HandleAudit implements Handler {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly findShard: FindShard,
    private readonly shardStore: DiskShardStore,
    private readonly frame: TransferFrame,
    private readonly complete: CompleteTransfer,
  ) {}

  async run(exchange: Exchange): Promise<void> {
    const token = this.admitToken.run(exchange);
    const item = await this.findShard.run(token, exchange);
    const asked = auditRequest.safeParse(await readSmallBody(exchange.request, AUDIT_BODY_BYTES_MAX));
    if (!asked.success) throw new ProtocolError('request_invalid', { field: 'blocks' }, { cause: asked.error });
    if (asked.data.blocks.at(-1)! >= blocksOf(item.sizeBytes))
      throw new ProtocolError('request_invalid', { field: 'blocks' });
    const claim = () => this.replayList.claimItem(token, item, item.sizeBytes);
    await this.frame.run(exchange, token, claim, async (held) => {
      const answer = await this.show(held.claim, asked.data);
      await this.complete.answered(held.claim, held.place);
      answerJson(exchange.response, 200, answer);
    });
  }

  /** throws shard_corrupt: nothing is shown of a shard with a bad block among those that were asked for */
  private async show(claim: ClaimedItem, { blocks }: AuditRequest): Promise<AuditAnswer> {
    const { tree, data } = await this.shardStore.showBlocks(claim, blocks);
    return {
      blocks: blocks.map((block, i) => ({
        block,
        data: encodeBase64url(data[i]!),
        path: proveBlockRun(tree, { first: block, last: block }).map(encodeBase64url),
      })),
    };
  }
}

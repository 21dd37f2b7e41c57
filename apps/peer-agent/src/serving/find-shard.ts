// Which shard a request is for: the token's, or under a universal token the one that the path names; it must be here.
import { Injectable } from '@nestjs/common';
import { ProtocolError, type TokenItem, type VerifiedToken } from '#protocol';
import { ShardIndex } from '../shards/shard-index.js';
import { aboutTransaction } from './about-transaction.js';
import type { Exchange } from './exchange.js';

@Injectable()
export class FindShard {
  constructor(private readonly index: ShardIndex) {}

  /** throws shard_unknown */
  async run(token: VerifiedToken, { cid }: Exchange): Promise<TokenItem> {
    const item = token.items[0];
    const wanted = item?.cid ?? cid;
    const sizeBytes = wanted === null ? null : await this.index.sizeOf(wanted);
    return aboutTransaction(token, () => {
      if (wanted === null || sizeBytes === null || (item !== undefined && item.sizeBytes !== sizeBytes)) {
        throw new ProtocolError('shard_unknown');
      }
      return { cid: wanted, sizeBytes };
    });
  }
}

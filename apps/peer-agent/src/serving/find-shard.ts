// Which shard a request is for: the one that the path names, which verifyToken found in the token; it must be here.
import { Injectable } from '@nestjs/common';
import { ShardShelf } from '#peer-link';
import { ProtocolError, type TokenItem, type VerifiedToken } from '#protocol';
import { ShardIndex } from '../shards/shard-index.js';
import { aboutTransaction } from './about-transaction.js';
import type { Exchange } from './exchange.js';

@Injectable()
export class FindShard {
  constructor(
    private readonly index: ShardIndex,
    private readonly shelf: ShardShelf,
  ) {}

  /** throws shard_unknown */
  async run(token: VerifiedToken, { cid }: Exchange): Promise<TokenItem> {
    // None of a universal token; one of up to 32 of an offline one.
    const item = token.items.find((one) => one.cid === cid);
    const sizeBytes = cid === null ? null : await this.index.sizeOf(cid);
    return aboutTransaction(token, () => {
      if (cid === null || sizeBytes === null || (item !== undefined && item.sizeBytes !== sizeBytes)) {
        throw new ProtocolError('shard_unknown');
      }
      return { cid, sizeBytes };
    });
  }

  /** As run, also where the shard is not hosted here, but was fetched lately: then `file` is where it lies. */
  async orShelved(
    token: VerifiedToken,
    exchange: Exchange,
  ): Promise<{ readonly item: TokenItem; readonly file: string | null }> {
    const { cid } = exchange;
    const shelved = cid === null || (await this.index.has(cid)) ? null : await this.shelf.find(cid);
    const expected = token.items.find((one) => one.cid === cid)?.sizeBytes ?? shelved?.sizeBytes;
    if (cid === null || shelved === null || shelved.sizeBytes !== expected)
      return { item: await this.run(token, exchange), file: null };
    return { item: { cid, sizeBytes: shelved.sizeBytes }, file: shelved.file };
  }
}

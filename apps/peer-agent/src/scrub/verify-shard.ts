// Reads a shard, or a part of it, and tells whether it is what its content id says.
import { Injectable } from '@nestjs/common';
import { isRefusal, type TokenItem } from '#protocol';
import { readVerified, type ShardPart } from '../shards/read-verified.js';
import { ShardFiles } from '../shards/shard-files.js';
import { shardPath } from '../shards/shard-path.js';
import { ShardPlace } from '../shards/sweep-leftovers.js';

@Injectable()
export class VerifyShard {
  constructor(
    private readonly place: ShardPlace,
    private readonly files: ShardFiles,
  ) {}

  async run(item: TokenItem, part?: ShardPart): Promise<boolean> {
    const { file } = shardPath(this.place.directory, item.cid);
    try {
      await readVerified(this.files, file, item, async () => undefined, part);
      return true;
    } catch (error) {
      if (isRefusal(error, 'shard_corrupt')) return false;
      throw error;
    }
  }
}

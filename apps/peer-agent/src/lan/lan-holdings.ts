// What this machine has for its neighbours: shards that it hosts, and those on its shelf.
import type { ShardShelf, ShelfProgress } from '#peer-link';
import type { ContentId } from '#protocol';
import type { ShardIndex } from '../shards/shard-index.js';

/** What a need of one method is answered from. */
export interface Holdings {
  has(subject: string): Promise<boolean>;
  /** How far this machine has come with getting it; null when it is not. */
  progressOf(subject: string): Promise<ShelfProgress | null>;
}

export class ShardHoldings implements Holdings {
  constructor(
    private readonly index: Pick<ShardIndex, 'has'>,
    private readonly shelf: Pick<ShardShelf, 'find' | 'progressOf'>,
  ) {}

  async has(subject: string): Promise<boolean> {
    const cid = subject as ContentId;
    return (await this.index.has(cid)) || (await this.shelf.find(cid)) !== null;
  }

  progressOf(subject: string): Promise<ShelfProgress | null> {
    return this.shelf.progressOf(subject as ContentId);
  }
}

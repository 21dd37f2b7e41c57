// What this host offers at the moment.
import { Injectable } from '@nestjs/common';
import { PeerHome } from '#peer-home';
import type { HostOffer } from '#protocol';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { SpaceLedger } from '../shards/space-ledger.js';

@Injectable()
export class ComposeOffer {
  constructor(
    private readonly home: PeerHome,
    private readonly space: SpaceLedger,
    private readonly shardStore: DiskShardStore,
  ) {}

  /** A host whose disk failed still serves what it holds, and has nothing left to give. */
  run(listenPort: number): HostOffer {
    return {
      listenPort,
      shareBytes: this.home.shareBytes,
      usedBytes: this.space.usedBytes,
      freeBytes: this.shardStore.isReadOnly ? 0 : this.space.leftBytes,
    };
  }
}

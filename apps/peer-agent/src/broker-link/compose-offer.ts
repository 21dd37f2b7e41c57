// What this host offers at the moment.
import { Injectable } from '@nestjs/common';
import { PeerHome } from '#peer-home';
import type { HostOffer } from '#protocol';
import { AgentConfig } from '../config.js';
import { Reachability } from '../relay-link/reachability.js';
import { DiskShardStore } from '../shards/disk-shard-store.js';
import { SpaceLedger } from '../shards/space-ledger.js';

@Injectable()
export class ComposeOffer {
  constructor(
    private readonly config: AgentConfig,
    private readonly home: PeerHome,
    private readonly ledger: SpaceLedger,
    private readonly shardStore: DiskShardStore,
    private readonly reachability: Reachability,
  ) {}

  run(listenPort: number): HostOffer {
    const { region } = this.config;
    const { relayId } = this.reachability;
    return {
      listenPort,
      shareBytes: this.home.shareBytes,
      ...this.space(),
      ...(region !== undefined && { region }),
      ...(relayId !== undefined && { relayId }),
    };
  }

  /** A host whose disk failed still serves what it holds, and has nothing left to give. */
  space(): Pick<HostOffer, 'usedBytes' | 'freeBytes'> {
    const { usedBytes, leftBytes } = this.ledger;
    return { usedBytes, freeBytes: this.shardStore.isReadOnly ? 0 : leftBytes };
  }
}

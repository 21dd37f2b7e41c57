// Placement: who is there to take a shard, and who takes it.
import { Module } from '@nestjs/common';
import { PeersModule } from '../peers/peers.module.js';
import { RelaysModule } from '../relays/relays.module.js';
import { ReputationModule } from '../reputation/reputation.module.js';
import { OnlineHosts } from './online-hosts.js';
import { RedundancyController } from './redundancy.controller.js';
import { TellRedundancy } from './tell-redundancy.js';

@Module({
  imports: [PeersModule, RelaysModule, ReputationModule],
  controllers: [RedundancyController],
  providers: [OnlineHosts, TellRedundancy],
  exports: [OnlineHosts, TellRedundancy],
})
export class PlacementModule {}

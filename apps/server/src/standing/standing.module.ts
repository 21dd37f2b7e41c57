// Standing: what becomes of hosts by what was seen of them, and which of them hold an account's shards.
import { Module } from '@nestjs/common';
import { AuditStandingModule } from '../audits/audit-standing.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { ReputationModule } from '../reputation/reputation.module.js';
import { HostsController } from './hosts.controller.js';
import { KeepStandings } from './keep-standings.js';
import { ListHosts } from './list-hosts.js';
import { SampleUptime } from './sample-uptime.js';

@Module({
  imports: [AuditStandingModule, PeersModule, PlacementModule, ReputationModule],
  controllers: [HostsController],
  providers: [KeepStandings, ListHosts, SampleUptime],
  exports: [KeepStandings, ListHosts],
})
export class StandingModule {}

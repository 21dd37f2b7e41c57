// Probes: the broker asks hosts whether they are there, and who does not answer gets no shards.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { RefusalsModule } from '../refusals/refusals.module.js';
import { RelaysModule } from '../relays/relays.module.js';
import { ReputationModule } from '../reputation/reputation.module.js';
import { AskProbe } from './ask-probe.js';
import { BrokerIdentity } from './broker-identity.js';
import { DialHosts } from './dial-hosts.js';
import { ProbeDirectly } from './probe-directly.js';
import { ProbeHosts } from './probe-hosts.js';
import { TellHosts } from './tell-hosts.js';

@Module({
  imports: [KeysModule, PeersModule, PlacementModule, RelaysModule, RefusalsModule, ReputationModule],
  providers: [BrokerIdentity, DialHosts, AskProbe, ProbeHosts, ProbeDirectly, TellHosts],
  exports: [BrokerIdentity, DialHosts, AskProbe, ProbeHosts, ProbeDirectly],
})
export class ProbesModule {}

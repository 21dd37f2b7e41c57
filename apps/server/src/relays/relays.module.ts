// Relays: who is there to carry, which peers they serve, under which leases, and what they carried.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { NamesModule } from '../names/names.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { SigningModule } from '../signing/signing.module.js';
import { AttachPeer } from './attach-peer.js';
import { DirectWays } from './direct-ways.js';
import { IssueLeases } from './issue-leases.js';
import { OnlineRelays } from './online-relays.js';
import { RecordRelayPresence } from './record-relay-presence.js';
import { RecordRelayUsage } from './record-relay-usage.js';
import { RelayWays } from './relay-ways.js';
import { RelaysController } from './relays.controller.js';

@Module({
  imports: [KeysModule, LedgerModule, NamesModule, PeersModule, SigningModule],
  controllers: [RelaysController],
  providers: [OnlineRelays, DirectWays, IssueLeases, RelayWays, AttachPeer, RecordRelayPresence, RecordRelayUsage],
  exports: [OnlineRelays, DirectWays, RelayWays, RecordRelayUsage],
})
export class RelaysModule {}

// Presence: peers say that they are there, and learn what the broker knows of them.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { NamesModule } from '../names/names.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { ProbesModule } from '../probes/probes.module.js';
import { RelaysModule } from '../relays/relays.module.js';
import { PresenceController } from './presence.controller.js';
import { RecordPresence } from './record-presence.js';
import { TellPeerStatus } from './tell-peer-status.js';

@Module({
  imports: [KeysModule, LedgerModule, NamesModule, PeersModule, PlacementModule, ProbesModule, RelaysModule],
  controllers: [PresenceController],
  providers: [RecordPresence, TellPeerStatus],
})
export class PresenceModule {}

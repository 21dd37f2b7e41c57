// Recovery kits: restores while there is no broker.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { BeginOfflineGets } from './begin-offline-gets.js';
import { KitsController } from './kits.controller.js';
import { Kits } from './kits.js';

@Module({
  imports: [KeysModule, PeersModule, PlacementModule],
  controllers: [KitsController],
  providers: [Kits, BeginOfflineGets],
  exports: [Kits],
})
export class KitsModule {}

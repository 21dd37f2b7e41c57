// What peers keep of their network: the broker's public keys, the keys of local networks, their own names; and what
// anybody may ask, who has a name.
import { Module } from '@nestjs/common';
import { NamesModule } from '../names/names.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { RelaysModule } from '../relays/relays.module.js';
import { SigningModule } from '../signing/signing.module.js';
import { FindByName } from './find-by-name.js';
import { NamesController } from './names.controller.js';
import { NetworkController } from './network.controller.js';
import { TellNetwork } from './tell-network.js';

@Module({
  imports: [NamesModule, PlacementModule, RelaysModule, SigningModule],
  controllers: [NetworkController, NamesController],
  providers: [TellNetwork, FindByName],
  exports: [FindByName],
})
export class NetworkModule {}

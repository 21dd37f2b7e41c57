// Groups: peers that share content, and transactions that go to all of them.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { BeginGroup } from './begin-group.js';
import { GroupsController } from './groups.controller.js';
import { Groups } from './groups.js';

@Module({
  imports: [KeysModule, LedgerModule, PlacementModule],
  controllers: [GroupsController],
  providers: [Groups, BeginGroup],
})
export class GroupsModule {}

// Repairs: what lost shards becomes whole again, by its owner's machines or by workers that hold none of its keys.
import { Module } from '@nestjs/common';
import { AuditStandingModule } from '../audits/audit-standing.module.js';
import { ChurnModule } from '../churn/churn.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { AssessObjects } from './assess-objects.js';
import { BeginRepair } from './begin-repair.js';
import { CloseTask } from './close-task.js';
import { EndRepair } from './end-repair.js';
import { HostWalks } from './host-walks.js';
import { OwnRepairs } from './own-repairs.js';
import { PayRepairs } from './pay-repairs.js';
import { RepairPace } from './repair-pace.js';
import { RepairQueue } from './repair-queue.js';
import { RepairsController } from './repairs.controller.js';
import { TendRepairs } from './tend-repairs.js';

@Module({
  imports: [AuditStandingModule, ChurnModule, KeysModule, LedgerModule, PeersModule, PlacementModule],
  controllers: [RepairsController],
  providers: [
    AssessObjects,
    BeginRepair,
    CloseTask,
    EndRepair,
    HostWalks,
    OwnRepairs,
    PayRepairs,
    RepairPace,
    RepairQueue,
    TendRepairs,
  ],
  exports: [RepairPace, TendRepairs],
})
export class RepairsModule {}

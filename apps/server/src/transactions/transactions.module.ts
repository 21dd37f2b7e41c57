// Transactions, from the permission to the end: begin one, take the reports, end what nobody reported, sum up the rest.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { LoadModule } from '../load/load.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { RefusalsModule } from '../refusals/refusals.module.js';
import { ReputationModule } from '../reputation/reputation.module.js';
import { BeginDelete } from './begin-delete.js';
import { BeginGet } from './begin-get.js';
import { BeginPut } from './begin-put.js';
import { BeginStream } from './begin-stream.js';
import { BeginUniversal } from './begin-universal.js';
import { EndExpired } from './end-expired.js';
import { LoseShards } from './lose-shards.js';
import { RecordReports } from './record-reports.js';
import { RecordUses } from './record-uses.js';
import { RollUp } from './roll-up.js';
import { TransactionsController } from './transactions.controller.js';

@Module({
  imports: [KeysModule, LedgerModule, LoadModule, PeersModule, PlacementModule, RefusalsModule, ReputationModule],
  controllers: [TransactionsController],
  providers: [
    BeginPut,
    BeginGet,
    BeginStream,
    BeginDelete,
    BeginUniversal,
    LoseShards,
    RecordReports,
    RecordUses,
    EndExpired,
    RollUp,
  ],
  exports: [EndExpired, LoseShards],
})
export class TransactionsModule {}

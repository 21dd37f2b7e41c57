// Transactions, from the permission to the end: begin a put or a get, take the reports, end what nobody reported.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { BeginGet } from './begin-get.js';
import { BeginPut } from './begin-put.js';
import { EndExpired } from './end-expired.js';
import { RecordReports } from './record-reports.js';
import { TransactionsController } from './transactions.controller.js';

@Module({
  imports: [KeysModule, LedgerModule, PeersModule, PlacementModule],
  controllers: [TransactionsController],
  providers: [BeginPut, BeginGet, RecordReports, EndExpired],
  exports: [EndExpired],
})
export class TransactionsModule {}

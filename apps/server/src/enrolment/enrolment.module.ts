// Enrolment: how a machine becomes a peer.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { EnrolPeer } from './enrol-peer.js';
import { EnrolmentController } from './enrolment.controller.js';

@Module({
  imports: [KeysModule, LedgerModule, PeersModule],
  controllers: [EnrolmentController],
  providers: [EnrolPeer],
})
export class EnrolmentModule {}

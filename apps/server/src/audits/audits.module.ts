// Audits: hosts show again and again that they have what they were given, a random block at a time.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { ProbesModule } from '../probes/probes.module.js';
import { TransactionsModule } from '../transactions/transactions.module.js';
import { AskAudit } from './ask-audit.js';
import { AuditHosts } from './audit-hosts.js';
import { AuditStandingModule } from './audit-standing.module.js';
import { DrawChallenge } from './draw-challenge.js';
import { LossesController } from './losses.controller.js';
import { RecordAudits } from './record-audits.js';

@Module({
  controllers: [LossesController],
  imports: [AuditStandingModule, KeysModule, PeersModule, PlacementModule, ProbesModule, TransactionsModule],
  providers: [DrawChallenge, AskAudit, RecordAudits, AuditHosts],
  exports: [AuditStandingModule, AuditHosts],
})
export class AuditsModule {}

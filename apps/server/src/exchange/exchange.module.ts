// The exchange: hosting earns credit by what is proved, and people see how.
import { Module } from '@nestjs/common';
import { AuditStandingModule } from '../audits/audit-standing.module.js';
import { ChurnModule } from '../churn/churn.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { ProbesModule } from '../probes/probes.module.js';
import { RepairsModule } from '../repairs/repairs.module.js';
import { CreditController } from './credit.controller.js';
import { ExchangeCredit } from './exchange-credit.js';
import { TellCredit } from './tell-credit.js';

@Module({
  imports: [AuditStandingModule, ChurnModule, LedgerModule, PeersModule, PlacementModule, ProbesModule, RepairsModule],
  controllers: [CreditController],
  providers: [ExchangeCredit, TellCredit],
  exports: [ExchangeCredit, TellCredit],
})
export class ExchangeModule {}

// The broker: its features, in the order in which a peer meets them.
import { type DynamicModule, Module } from '@nestjs/common';
import { AccountsModule } from './accounts/accounts.module.js';
import { CertificatesModule } from './certificates/certificates.module.js';
import { ControlModule } from './control/control.module.js';
import { EnrolmentModule } from './enrolment/enrolment.module.js';
import { HealthModule } from './health/health.module.js';
import { KeysModule } from './keys/keys.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { ObjectsModule } from './objects/objects.module.js';
import { PeersModule } from './peers/peers.module.js';
import { PlacementModule } from './placement/placement.module.js';
import { type PlatformParts, platformModule } from './platform/platform.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { TransactionsModule } from './transactions/transactions.module.js';

@Module({
  imports: [
    ControlModule,
    EnrolmentModule,
    AccountsModule,
    PeersModule,
    KeysModule,
    CertificatesModule,
    PresenceModule,
    PlacementModule,
    ObjectsModule,
    TransactionsModule,
    LedgerModule,
    HealthModule,
  ],
})
class AppModule {}

/** The application on what the process gives it. */
export function appModule(parts: PlatformParts): DynamicModule {
  return { module: AppModule, imports: [platformModule(parts)] };
}

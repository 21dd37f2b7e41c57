// The broker: its features, in the order in which a peer meets them.
import { type DynamicModule, Module } from '@nestjs/common';
import { AccountsModule } from './accounts/accounts.module.js';
import { AuditsModule } from './audits/audits.module.js';
import { CaptchaModule } from './captcha/captcha.module.js';
import { TestModeModule } from './captcha/test-mode.module.js';
import { CertificatesModule } from './certificates/certificates.module.js';
import { ChurnModule } from './churn/churn.module.js';
import { ConsoleModule } from './console/console.module.js';
import { ControlModule } from './control/control.module.js';
import { EnrolmentModule } from './enrolment/enrolment.module.js';
import { EscrowModule } from './escrow/escrow.module.js';
import { ExchangeModule } from './exchange/exchange.module.js';
import { GroupsModule } from './groups/groups.module.js';
import { HealthModule } from './health/health.module.js';
import { HistoryModule } from './history/history.module.js';
import { KeepFilterModule } from './keep-filter/keep-filter.module.js';
import { KeysModule } from './keys/keys.module.js';
import { KitsModule } from './kits/kits.module.js';
import { LanModule } from './lan/lan.module.js';
import { LedgerModule } from './ledger/ledger.module.js';
import { NamesModule } from './names/names.module.js';
import { NetworkModule } from './network/network.module.js';
import { ObjectsModule } from './objects/objects.module.js';
import { PeersModule } from './peers/peers.module.js';
import { PlacementModule } from './placement/placement.module.js';
import { type PlatformParts, platformModule } from './platform/platform.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { RelaysModule } from './relays/relays.module.js';
import { RepairsModule } from './repairs/repairs.module.js';
import { SigningModule } from './signing/signing.module.js';
import { StandingModule } from './standing/standing.module.js';
import { TransactionsModule } from './transactions/transactions.module.js';
import { WebModule } from './web/web.module.js';

@Module({
  imports: [
    ControlModule,
    EnrolmentModule,
    AccountsModule,
    EscrowModule,
    CaptchaModule,
    PeersModule,
    KeysModule,
    CertificatesModule,
    PresenceModule,
    PlacementModule,
    ObjectsModule,
    TransactionsModule,
    KitsModule,
    AuditsModule,
    KeepFilterModule,
    StandingModule,
    ChurnModule,
    RepairsModule,
    GroupsModule,
    NetworkModule,
    NamesModule,
    SigningModule,
    RelaysModule,
    LanModule,
    LedgerModule,
    ExchangeModule,
    HistoryModule,
    HealthModule,
    WebModule,
    ConsoleModule,
  ],
})
class AppModule {}

/** The application on what the process gives it. */
export function appModule(parts: PlatformParts): DynamicModule {
  const testing = parts.settings.testMode ? [TestModeModule] : [];
  return { module: AppModule, imports: [platformModule(parts), ...testing] };
}

// The admin application: what the operator may see and change, on a listener of its own.
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { validationPipe } from '../control/validation.js';
import { type PlatformParts, platformModule } from '../platform/platform.module.js';
import { AdminGuard } from './access/admin.guard.js';
import { AdminKeysController } from './access/admin-keys.controller.js';
import { AdminOrigin } from './access/admin-origin.js';
import { AdminProblemFilter } from './access/admin-problem.filter.js';
import { AdminSessionController } from './access/admin-session.controller.js';
import { AdminSignIn } from './access/admin-sign-in.js';
import { AdminAccountsController } from './accounts/accounts.controller.js';
import { ReadAccounts } from './accounts/read-accounts.js';
import { AdminAlertsController } from './alerts/alerts.controller.js';
import { AdminAuditsController } from './audits/audits.controller.js';
import { MakeChange } from './changes/make-change.js';
import { AdminConsoleController } from './console/console.controller.js';
import { AdminEnrolmentKeysController } from './enrolment-keys/enrolment-keys.controller.js';
import { AdminHealthController } from './health/health.controller.js';
import { AdminProbesController } from './health/probes.controller.js';
import { TellHealth } from './health/tell-health.js';
import { AdminHistoryController } from './history/history.controller.js';
import { AdminLedgerController } from './ledger/ledger.controller.js';
import { ReadLedger } from './ledger/read-ledger.js';
import { LiveBroker } from './live-broker.js';
import { LogController } from './log/log.controller.js';
import { AdminMetricsController } from './metrics/metrics.controller.js';
import { OverviewController } from './overview/overview.controller.js';
import { TellOverview } from './overview/tell-overview.js';
import { ChangePeer } from './peers/change-peer.js';
import { AdminPeersController } from './peers/peers.controller.js';
import { ReadPeers } from './peers/read-peers.js';
import { PoliciesController } from './policies/policies.controller.js';
import { SetPolicy } from './policies/set-policy.js';
import { AdminRelaysController } from './relays/relays.controller.js';
import { AdminRepairsController } from './repairs/repairs.controller.js';
import { RotationsController } from './rotations/rotations.controller.js';
import { AdminDocument } from './routes/admin-document.js';
import { AdminRoutes } from './routes/admin-routes.js';
import { RoutesController } from './routes/routes.controller.js';
import { AdminRefusalsController } from './transactions/refusals.controller.js';
import { AdminTransactionsController } from './transactions/transactions.controller.js';

@Module({
  controllers: [
    RoutesController,
    AdminConsoleController,
    AdminSessionController,
    OverviewController,
    AdminKeysController,
    LogController,
    AdminAccountsController,
    AdminPeersController,
    AdminRelaysController,
    RotationsController,
    AdminEnrolmentKeysController,
    AdminTransactionsController,
    AdminRefusalsController,
    AdminLedgerController,
    AdminAuditsController,
    AdminRepairsController,
    PoliciesController,
    AdminHistoryController,
    AdminAlertsController,
    AdminHealthController,
    AdminProbesController,
    AdminMetricsController,
  ],
  providers: [
    MakeChange,
    AdminSignIn,
    TellOverview,
    ReadAccounts,
    ReadPeers,
    ChangePeer,
    ReadLedger,
    SetPolicy,
    TellHealth,
    { provide: APP_GUARD, useClass: AdminGuard },
    { provide: APP_FILTER, useClass: AdminProblemFilter },
    { provide: APP_PIPE, useFactory: validationPipe },
  ],
})
class AdminModule {}

@Module({})
class GivenModule {}

export interface AdminParts {
  readonly platform: PlatformParts;
  readonly live: LiveBroker;
  readonly origin: AdminOrigin;
  readonly routes: AdminRoutes;
  readonly document: AdminDocument;
}

/** An application beside the public one: neither has a route of the other. */
export function adminModule({ platform, live, origin, routes, document }: AdminParts): DynamicModule {
  const providers = [
    { provide: LiveBroker, useValue: live },
    { provide: AdminOrigin, useValue: origin },
    { provide: AdminRoutes, useValue: routes },
    { provide: AdminDocument, useValue: document },
  ];
  const given: DynamicModule = {
    module: GivenModule,
    global: true,
    providers,
    exports: providers.map(({ provide }) => provide),
  };
  return { module: AdminModule, imports: [platformModule(platform), given] };
}

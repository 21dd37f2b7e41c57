// What the process gives to every feature: database, clock, log, settings, the guard of its connections, the CA and the
// vault for secrets.
import { type DynamicModule, Module } from '@nestjs/common';
import { Clock, Log } from '#process';
import { CertificateAuthority } from '../certificates/certificate-authority.js';
import { Readiness } from '../health/readiness.js';
import { KeyVault } from '../keys/key-vault.js';
import { LedgerArchive } from '../ledger/ledger-archive.js';
import { Mailer } from '../mail/mailer.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { BrokerDatabase } from './broker-database.js';
import { GuardedConnect } from './guarded-connect.js';
import { RemoteAddress } from './remote-address.js';
import { Settings } from './settings.js';
import { WebAddress } from './web-address.js';

export interface PlatformParts {
  readonly database: BrokerDatabase;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Settings;
  readonly authority: CertificateAuthority;
  readonly vault: KeyVault;
  readonly webAddress: WebAddress;
  readonly mailer: Mailer;
  readonly ledgerArchive: LedgerArchive;
  readonly metrics: BrokerMetrics;
  readonly readiness: Readiness;
}

@Module({})
class PlatformModule {}

export function platformModule(parts: PlatformParts): DynamicModule {
  const providers = [
    { provide: BrokerDatabase, useValue: parts.database },
    { provide: Clock, useValue: parts.clock },
    { provide: Log, useValue: parts.log },
    { provide: Settings, useValue: parts.settings },
    { provide: CertificateAuthority, useValue: parts.authority },
    { provide: KeyVault, useValue: parts.vault },
    { provide: GuardedConnect, useValue: new GuardedConnect(parts.settings) },
    { provide: RemoteAddress, useValue: new RemoteAddress(parts.settings) },
    { provide: WebAddress, useValue: parts.webAddress },
    { provide: Mailer, useValue: parts.mailer },
    { provide: LedgerArchive, useValue: parts.ledgerArchive },
    { provide: BrokerMetrics, useValue: parts.metrics },
    { provide: Readiness, useValue: parts.readiness },
  ];
  return { module: PlatformModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
}

// Starts a broker: opens the data directory, builds the application, listens. The command and the tests start it here.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type ExclusiveUse, takeExclusiveUse } from '#database';
import { type Clock, type Log, pause } from '#process';
import { CERTIFICATE_LIFE_MS } from '#protocol';
import { type AdminKeyOptions, makeAdminKey } from './admin/access/make-admin-key.js';
import { LiveBroker } from './admin/live-broker.js';
import { type CheckedLog, checkLog } from './admin/log/check-log.js';
import { openPolicy } from './admin/policies/open-policy.js';
import { type RunningAdmin, startAdmin } from './admin/start-admin.js';
import { appModule } from './app.module.js';
import { BrokerJobs } from './broker-jobs.js';
import { BrokerWatch } from './broker-watch.js';
import { CertificateAuthority } from './certificates/certificate-authority.js';
import type { Churn } from './churn/decide-churn.js';
import { MeasuredChurn } from './churn/measured-churn.js';
import { ADMIN_LISTEN, type BrokerConfig, DEFAULT_TRUST_DOMAIN } from './config/config.js';
import { dataDirAt, prepareDataDir } from './config/data-dir.js';
import { parsePolicy, readWrittenPolicy } from './config/policy.js';
import { checkTestMode } from './config/test-mode.js';
import { DnsResponder } from './dns/dns-responder.js';
import { type CreatedEnrolmentKey, createEnrolmentKey, type EnrolmentKeyOptions } from './enrolment/enrolment-keys.js';
import { Readiness } from './health/readiness.js';
import { openVault } from './keys/key-files.js';
import { KeyPool } from './keys/key-pool.js';
import { askForRotation } from './keys/key-rotations.js';
import { KeyUpkeep } from './keys/key-upkeep.js';
import { TransactionCounts } from './keys/transaction-counts.js';
import { LedgerArchive } from './ledger/ledger-archive.js';
import { WatchLedger } from './ledger/watch-ledger.js';
import type { Mailer } from './mail/mailer.js';
import { openMailer } from './mail/open-mailer.js';
import { BrokerMetrics } from './metrics/broker-metrics.js';
import { observeRequests } from './metrics/observe-requests.js';
import { FindByName } from './network/find-by-name.js';
import { PeerChanges } from './peers/peer-changes.js';
import { BrokerDatabase } from './platform/broker-database.js';
import { describeApi } from './platform/describe-api.js';
import { GuardedConnect } from './platform/guarded-connect.js';
import { HttpsListener } from './platform/https-listener.js';
import { NestLog } from './platform/nest-log.js';
import { Settings } from './platform/settings.js';
import { WebAddress } from './platform/web-address.js';
import { rangesAround } from './presence/judge-address.js';

export interface BrokerParts {
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningBroker {
  /** `peerkeep://host:port/#<sha256 of the CA certificate>` */
  readonly joinLink: string;
  readonly address: string;
  readonly port: number;
  readonly trustDomain: string;
  /** Of the admin interface: `https://host:port`. */
  readonly adminOrigin: string;
  /** Of the DNS responder; null without one. */
  readonly dnsPort: number | null;
  /** New requests are refused with `stopping`, running ones end (bounded), then everything is closed. */
  stop(): Promise<void>;
  /** As a crash: connections are cut at once. */
  kill(): Promise<void>;
  createEnrolmentKey(options?: Partial<EnrolmentKeyOptions>): Promise<CreatedEnrolmentKey>;
  /** For the admin interface; works at once. Returns the key, which is shown once. */
  createAdminKey(options?: Partial<AdminKeyOptions>): Promise<string>;
  checkAdminLog(): Promise<CheckedLog>;
  /** Faults of the ledger; empty when it is sound. */
  checkLedger(): Promise<string[]>;
  /** Do the work of the periodic jobs now, as of this moment. */
  endExpiredNow(): Promise<void>;
  renewOwnCertificateNow(): Promise<void>;
  probeHostsNow(): Promise<void>;
  probeDirectlyNow(): Promise<void>;
  auditHostsNow(): Promise<void>;
  keepStandingsNow(): Promise<void>;
  tendRepairsNow(): Promise<void>;
  measureChurnNow(): Promise<void>;
  /** As it was measured last. */
  churn(): Churn;
  sampleNetworkNow(): Promise<void>;
  watchAlertsNow(): Promise<void>;
  postAlertsNow(): Promise<void>;
  watchLedgerNow(): Promise<void>;
  exchangeCreditNow(): Promise<void>;
  noticeChangesNow(): Promise<void>;
  writeCountsNow(): Promise<void>;
  /** Ask for a new key-encryption key, as the command does; the periodic job makes it. */
  askForKeyRotation(): Promise<string>;
  /** Commits so far, for measurements of group commit. */
  readonly commits: number;
}

const DAY_MS = 24 * 60 * 60_000;

/**
 * throws   data_dir_in_use | data_dir_corrupt | secret_file_exposed | policy_invalid | usage; EADDRINUSE and its kin
 *          pass through
 */
export async function startBroker(config: BrokerConfig, { clock, log }: BrokerParts): Promise<RunningBroker> {
  // Before anything is made or taken: a broker that must not start leaves nothing behind.
  const written = config.policy ?? (await readWrittenPolicy(dataDirAt(config.dataDir).policy));
  checkTestMode(config, parsePolicy(written));
  const dataDir = await prepareDataDir(config.dataDir);
  const inUse = await takeExclusiveUse(dataDir.lock);
  let database: BrokerDatabase | null = null;
  let mailer: Mailer | null = null;
  let admin: RunningAdmin | null = null;
  let dns: DnsResponder | null = null;
  try {
    const keyFile = config.keyFile ?? { path: dataDir.keyEncryptionKey, isCredential: false };
    const vault = await openVault(dataDir, keyFile);
    const startedAtMs = clock.nowMs();
    const authority = await CertificateAuthority.open(dataDir, vault, {
      trustDomain: config.trustDomain,
      defaultTrustDomain: DEFAULT_TRUST_DOMAIN,
      nowMs: startedAtMs,
    });
    database = await BrokerDatabase.open(dataDir.database);
    const policy = await openPolicy(database, written, startedAtMs);
    checkTestMode(config, policy);
    const ranges = policy.hostAddressRanges ?? rangesAround(config.listen.host);
    const { captchaSecret = null, testMode = false } = config;
    const settings = new Settings(policy, authority.trustDomain, startedAtMs, ranges, captchaSecret, testMode);
    if (testMode) log.warn({ event: 'test_mode', detail: 'this broker tells the answers of its CAPTCHA' });
    const listener = await HttpsListener.create(authority, config.listen, {
      clock,
      log,
      trustedProxies: policy.trustedProxies,
    });
    const webAddress = new WebAddress(policy.webUrl);
    mailer = await openMailer(policy.mail, { folder: dataDir.mail, smtpUrl: config.smtpUrl ?? null, clock, log });
    const ledgerArchive = new LedgerArchive(dataDir.ledger);
    const metrics = new BrokerMetrics();
    observeRequests(listener.adapter.getInstance(), metrics);
    const readiness = new Readiness({ database, settings, clock, dataDir: dataDir.path, keyFile: keyFile.path });
    const own = { authority, vault, webAddress, mailer, ledgerArchive, metrics, readiness };
    const parts = { database, clock, log, settings, ...own };
    const app = await NestFactory.create<NestFastifyApplication>(appModule(parts), listener.adapter, {
      logger: new NestLog(log),
      bodyParser: false,
      abortOnError: false,
    });
    describeApi(app);
    await app.init();
    const watchLedger = new WatchLedger(dataDir.database, log);
    const watch = new BrokerWatch(app, {
      clock,
      log,
      watchLedger,
      dataDir: dataDir.path,
      webhook: config.alertWebhook ?? null,
    });
    admin = await startAdmin(parts, LiveBroker.of(app, watchLedger), config.adminListen ?? ADMIN_LISTEN);
    if (config.dnsListen) {
      const names = app.get(FindByName, { strict: false });
      dns = await DnsResponder.listen(config.dnsListen, { clock, log, settings, names, metrics });
    }
    const { address, port, joinLink } = await listener.listen(app, webAddress);
    app.get(GuardedConnect, { strict: false }).listensAt(address, port);
    log.info({ event: 'broker_started', address, port, trustDomain: authority.trustDomain });
    const keyUpkeep = new KeyUpkeep({
      database,
      vault,
      dataDir,
      keyFile,
      clock,
      log,
      pool: app.get(KeyPool, { strict: false }),
      counts: app.get(TransactionCounts, { strict: false }),
      peerChanges: app.get(PeerChanges, { strict: false }),
    });
    await keyUpkeep.start();
    return run({
      readiness,
      watch,
      watchLedger,
      app,
      admin,
      dns,
      listener,
      database,
      keyUpkeep,
      mailer,
      inUse,
      clock,
      log,
      settings,
      address,
      port,
      joinLink,
    });
  } catch (error) {
    await dns?.close();
    await admin?.close();
    await mailer?.close();
    await database?.close();
    await inUse.release();
    throw error;
  }
}

function run(parts: {
  app: NestFastifyApplication;
  admin: RunningAdmin;
  dns: DnsResponder | null;
  listener: HttpsListener;
  database: BrokerDatabase;
  keyUpkeep: KeyUpkeep;
  watchLedger: WatchLedger;
  watch: BrokerWatch;
  readiness: Readiness;
  mailer: Mailer;
  inUse: ExclusiveUse;
  clock: Clock;
  log: Log;
  settings: Settings;
  address: string;
  port: number;
  joinLink: string;
}): RunningBroker {
  const { app, admin, listener, database, watch, clock, log } = parts;
  const { policy } = parts.settings;
  const { stopDelayMs } = policy.health;
  const renewCertificates = async (): Promise<void> => {
    await listener.renewWhenDue(CERTIFICATE_LIFE_MS / 2);
    await admin.renewWhenDue(CERTIFICATE_LIFE_MS / 2);
  };
  const jobs = new BrokerJobs({ app, watchLedger: parts.watchLedger, renewCertificates, clock, log });
  jobs.start();
  watch.start();

  let closing: Promise<void> | null = null;
  const close = (abruptly: boolean): Promise<void> => {
    closing ??= (async () => {
      parts.readiness.stop();
      if (!abruptly) {
        if (stopDelayMs > 0) await pause(clock, stopDelayMs);
        await Promise.all([listener.drain(), admin.drain()]);
      }
      await Promise.all([jobs.stop(), watch.stop(), parts.keyUpkeep.stop({ writeCounts: !abruptly })]);
      await parts.dns?.close();
      await admin.close();
      await listener.close(app);
      await parts.mailer.close();
      await database.close();
      await parts.inUse.release();
      log.info({ event: 'broker_stopped' });
    })();
    return closing;
  };
  return {
    joinLink: parts.joinLink,
    address: parts.address,
    port: parts.port,
    trustDomain: parts.settings.trustDomain,
    adminOrigin: admin.origin,
    dnsPort: parts.dns?.port ?? null,
    stop: () => close(false),
    kill: () => close(true),
    createEnrolmentKey: (options = {}) =>
      createEnrolmentKey(database, { uses: 1, lifeMs: DAY_MS, accountId: null, ...options }, clock.nowMs()),
    createAdminKey: async (options = {}) => {
      const key = { role: 'operator', name: 'admin', lifeMs: DAY_MS, reason: '', ...options } as const;
      return (await makeAdminKey(database, key, clock.nowMs())).key;
    },
    checkAdminLog: () => checkLog(database.reads),
    checkLedger: () => parts.watchLedger.check(),
    endExpiredNow: () => jobs.endExpiredNow(),
    renewOwnCertificateNow: renewCertificates,
    probeHostsNow: () => jobs.probeHosts.trigger(),
    probeDirectlyNow: () => jobs.probeDirectly.trigger(),
    auditHostsNow: () => jobs.auditHosts.trigger(),
    keepStandingsNow: () => jobs.keepStandings.trigger(),
    tendRepairsNow: () => jobs.tendRepairs.trigger(),
    measureChurnNow: () => jobs.measureChurn.trigger(),
    churn: () => app.get(MeasuredChurn, { strict: false }).current(),
    watchAlertsNow: () => watch.alerts.trigger(),
    postAlertsNow: () => watch.posts.trigger(),
    sampleNetworkNow: () => watch.samples.trigger(),
    watchLedgerNow: () => jobs.watchLedger.trigger(),
    exchangeCreditNow: () => jobs.exchangeCredit.trigger(),
    noticeChangesNow: () => parts.keyUpkeep.noticeChanges(),
    writeCountsNow: () => parts.keyUpkeep.writeCounts(),
    askForKeyRotation: () => askForRotation(database, clock.nowMs()),
    get commits() {
      return database.commits;
    },
  };
}

// A broker without its listener: the application in this process, on a database of its own, with a client and a host.
import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { NestFactory } from '@nestjs/core';
import { type EnrolledPeer, enrolPeer } from '#peer-home';
import type { Clock, Log } from '#process';
import { appModule } from '../../apps/server/src/app.module.js';
import { CertificateAuthority } from '../../apps/server/src/certificates/certificate-authority.js';
import { type BrokerConfig, DEFAULT_TRUST_DOMAIN } from '../../apps/server/src/config/config.js';
import { prepareDataDir } from '../../apps/server/src/config/data-dir.js';
import { parsePolicy } from '../../apps/server/src/config/policy.js';
import { AuthenticateMessage } from '../../apps/server/src/control/authenticate-message.js';
import type { Caller } from '../../apps/server/src/control/caller.js';
import { Readiness } from '../../apps/server/src/health/readiness.js';
import { openVault } from '../../apps/server/src/keys/key-files.js';
import { LedgerArchive } from '../../apps/server/src/ledger/ledger-archive.js';
import { openMailer } from '../../apps/server/src/mail/open-mailer.js';
import { BrokerMetrics } from '../../apps/server/src/metrics/broker-metrics.js';
import { BrokerDatabase } from '../../apps/server/src/platform/broker-database.js';
import { Settings } from '../../apps/server/src/platform/settings.js';
import { WebAddress } from '../../apps/server/src/platform/web-address.js';
import { rangesAround } from '../../apps/server/src/presence/judge-address.js';
import { RecordPresence } from '../../apps/server/src/presence/record-presence.js';
import { startBroker } from '../../apps/server/src/start-broker.js';
import { BeginPut } from '../../apps/server/src/transactions/begin-put.js';
import { RecordReports } from '../../apps/server/src/transactions/record-reports.js';
import { type SignedRequest, signedPost } from '../broker/signed-post.js';

const HOUR_MS = 3_600_000;
const LOOPBACK = '127.0.0.1';
/** One shard is one object and one token: whatever a request costs, this put pays. */
const POLICY = parsePolicy({
  redundancy: [{ hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 }],
  openingCreditBytes: Number.MAX_SAFE_INTEGER,
  presenceTtlMs: HOUR_MS,
  probeHosts: false,
});
const HOST_BYTES = 1e15;

export interface OpenBroker {
  /** What requests are signed for. */
  readonly origin: string;
  readonly client: EnrolledPeer;
  readonly host: EnrolledPeer;
  readonly beginPut: BeginPut;
  readonly recordReports: RecordReports;
  /** Who signed this message, as the guard before every route finds out. */
  receive(message: SignedRequest): Promise<Caller>;
  close(): Promise<void>;
}

export async function openBroker(dataDir: string, surroundings: { clock: Clock; log: Log }): Promise<OpenBroker> {
  const config = { dataDir, listen: { host: LOOPBACK, port: 0 }, trustDomain: null, policy: POLICY };
  const { origin, client, host } = await enrolBoth(config, surroundings);
  const { context, database } = await openApplication(dataDir, surroundings);
  const authenticate = context.get(AuthenticateMessage, { strict: false });
  const receive = async ({ path, headers, body }: SignedRequest): Promise<Caller> => {
    let caller: Caller | undefined;
    const message = { method: 'POST', targetUri: `${origin}${path}`, headers, body };
    await authenticate.run(message, (signer) => {
      caller = signer;
    });
    assert(caller !== undefined);
    return caller;
  };
  const offer = { listenPort: 4711, shareBytes: HOST_BYTES, usedBytes: 0, freeBytes: HOST_BYTES };
  const presence = { host: offer, program: 'bench' };
  const announced = await receive(signedPost(origin, '/v1/presence', presence, host));
  await context.get(RecordPresence, { strict: false }).run(announced, presence, LOOPBACK);
  return {
    origin,
    client,
    host,
    beginPut: context.get(BeginPut, { strict: false }),
    recordReports: context.get(RecordReports, { strict: false }),
    receive,
    async close(): Promise<void> {
      await context.close();
      await database.close();
    },
  };
}

/** Machines enrol by HTTPS alone: a broker listens for so long. */
async function enrolBoth(
  config: BrokerConfig,
  surroundings: { clock: Clock; log: Log },
): Promise<Pick<OpenBroker, 'origin' | 'client' | 'host'>> {
  const broker = await startBroker(config, surroundings);
  try {
    const enrol = async (name: string): Promise<EnrolledPeer> => {
      const { key } = await broker.createEnrolmentKey();
      return enrolPeer({ joinLink: broker.joinLink, name, credential: { kind: 'enrolment-key', key } });
    };
    return {
      origin: `https://${LOOPBACK}:${broker.port}`,
      client: await enrol('client'),
      host: await enrol('host'),
    };
  } finally {
    await broker.stop();
  }
}

/** As startBroker does, up to the listener. */
async function openApplication(path: string, { clock, log }: { clock: Clock; log: Log }) {
  const dataDir = await prepareDataDir(path);
  const vault = await openVault(dataDir, { path: dataDir.keyEncryptionKey, isCredential: false });
  const nowMs = clock.nowMs();
  const authority = await CertificateAuthority.open(dataDir, vault, {
    trustDomain: null,
    defaultTrustDomain: DEFAULT_TRUST_DOMAIN,
    nowMs,
  });
  const database = await BrokerDatabase.open(dataDir.database);
  const settings = new Settings(POLICY, authority.trustDomain, nowMs, rangesAround(LOOPBACK));
  const mailer = await openMailer(POLICY.mail, { folder: dataDir.mail, smtpUrl: null, clock, log });
  const webAddress = new WebAddress(null);
  const context = await NestFactory.createApplicationContext(
    appModule({
      database,
      clock,
      log,
      settings,
      authority,
      vault,
      webAddress,
      metrics: new BrokerMetrics(),
      readiness: new Readiness({
        database,
        settings,
        clock,
        dataDir: dataDir.path,
        keyFile: dataDir.keyEncryptionKey,
      }),
      mailer,
      ledgerArchive: new LedgerArchive(dataDir.ledger),
    }),
    { logger: false, abortOnError: false },
  );
  return { context, database };
}

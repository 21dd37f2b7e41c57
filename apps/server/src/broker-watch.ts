// What watches the running broker, and keeps what it saw: figures for Prometheus, a sample of the network each hour, alerts.
import type { INestApplicationContext } from '@nestjs/common';
import { type Clock, type Log, Periodic } from '#process';
import type { AlertWebhook } from './alerts/alert-webhook.js';
import { ALERT_INTERVAL_MS, POST_INTERVAL_MS } from './alerts/limits.js';
import { PostAlerts } from './alerts/post-alerts.js';
import { ReadConditions } from './alerts/read-conditions.js';
import { WatchAlerts } from './alerts/watch-alerts.js';
import { AuditHosts } from './audits/audit-hosts.js';
import { CertificateAuthority } from './certificates/certificate-authority.js';
import { SampleNetwork } from './history/sample-network.js';
import type { WatchLedger } from './ledger/watch-ledger.js';
import { Mailer } from './mail/mailer.js';
import { BrokerMetrics } from './metrics/broker-metrics.js';
import { observeBroker } from './metrics/observe-broker.js';
import { OnlineHosts } from './placement/online-hosts.js';
import { BrokerDatabase } from './platform/broker-database.js';
import { Settings } from './platform/settings.js';
import { OnlineRelays } from './relays/online-relays.js';

export interface WatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly watchLedger: WatchLedger;
  readonly dataDir: string;
  /** Null: alerts are in the log and in the admin interface only. */
  readonly webhook: AlertWebhook | null;
}

export class BrokerWatch {
  readonly samples: Periodic;
  readonly alerts: Periodic;
  readonly posts: Periodic;
  private readonly postAlerts: PostAlerts | null;

  constructor(app: INestApplicationContext, parts: WatchParts) {
    const { clock, log, watchLedger, dataDir, webhook } = parts;
    const anywhere = { strict: false };
    const database = app.get(BrokerDatabase, anywhere);
    const settings = app.get(Settings, anywhere);
    const metrics = app.get(BrokerMetrics, anywhere);
    const samples = app.get(SampleNetwork, anywhere);
    observeBroker(app, watchLedger);
    const conditions = new ReadConditions({
      database,
      settings,
      clock,
      metrics,
      samples,
      watchLedger,
      dataDir,
      authority: app.get(CertificateAuthority, anywhere),
      mailer: app.get(Mailer, anywhere),
      hosts: app.get(OnlineHosts, anywhere),
      relays: app.get(OnlineRelays, anywhere),
      audits: app.get(AuditHosts, anywhere),
    });
    const watch = new WatchAlerts({ conditions, database, settings, clock, log, posts: webhook !== null });
    const post = webhook === null ? null : new PostAlerts({ webhook, database, metrics, clock, log });
    this.postAlerts = post;
    const loop = (name: string, intervalMs: () => number, run: () => Promise<void>): Periodic =>
      new Periodic({ name, clock, log, intervalMs, run });
    this.samples = loop(
      'sample-network',
      () => samples.pauseMs(),
      () => samples.run(),
    );
    this.posts = loop(
      'post-alerts',
      () => POST_INTERVAL_MS,
      async () => post?.run(),
    );
    this.alerts = loop(
      'watch-alerts',
      () => ALERT_INTERVAL_MS,
      async () => {
        if ((await watch.run()) > 0) this.posts.soon();
      },
    );
  }

  start(): void {
    this.samples.start();
    this.samples.soon();
    this.alerts.start();
    this.posts.start();
  }

  async stop(): Promise<void> {
    this.postAlerts?.stop();
    await Promise.all([this.samples.stop(), this.alerts.stop(), this.posts.stop()]);
  }
}

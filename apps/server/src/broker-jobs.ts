// Everything that the broker does by itself, again and again, beside answering.
import type { INestApplicationContext } from '@nestjs/common';
import { type Clock, type Log, Periodic } from '#process';
import { AuditHosts } from './audits/audit-hosts.js';
import { MeasuredChurn } from './churn/measured-churn.js';
import { PollDevice } from './enrolment/poll-device.js';
import { WaitingTime } from './escrow/waiting-time.js';
import { ExchangeCredit } from './exchange/exchange-credit.js';
import { Kits } from './kits/kits.js';
import type { WatchLedger } from './ledger/watch-ledger.js';
import {
  AUDIT_TICK_MS,
  CHURN_INTERVAL_MS,
  EXCHANGE_INTERVAL_MS,
  LEDGER_CHECK_INTERVAL_MS,
  OWN_CERTIFICATE_CHECK_MS,
  PROBE_TICK_MS,
  REPAIR_TICK_MS,
  SIGNING_TICK_MS,
  STANDING_INTERVAL_MS,
  VOID_INTERVAL_MS,
} from './limits.js';
import { ProbeDirectly } from './probes/probe-directly.js';
import { ProbeHosts } from './probes/probe-hosts.js';
import { RecordRelayUsage } from './relays/record-relay-usage.js';
import { TendRepairs } from './repairs/tend-repairs.js';
import { LanKeys } from './signing/lan-keys.js';
import { SigningKeys } from './signing/signing-keys.js';
import { KeepStandings } from './standing/keep-standings.js';
import { EndExpired } from './transactions/end-expired.js';

export interface JobParts {
  readonly app: INestApplicationContext;
  readonly watchLedger: WatchLedger;
  /** Of the listeners, when they are due. */
  readonly renewCertificates: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

export class BrokerJobs {
  readonly probeHosts: Periodic;
  readonly probeDirectly: Periodic;
  readonly watchLedger: Periodic;
  readonly exchangeCredit: Periodic;
  readonly auditHosts: Periodic;
  readonly keepStandings: Periodic;
  readonly tendRepairs: Periodic;
  readonly measureChurn: Periodic;
  private readonly all: Periodic[] = [];
  private readonly probes: ProbeHosts;
  private readonly audits: AuditHosts;

  constructor(private readonly parts: JobParts) {
    const { app, watchLedger, renewCertificates } = parts;
    const anywhere = { strict: false };
    this.probes = app.get(ProbeHosts, anywhere);
    this.audits = app.get(AuditHosts, anywhere);
    this.job('end-expired', VOID_INTERVAL_MS, () => this.endExpiredNow());
    this.job('renew-own-certificate', OWN_CERTIFICATE_CHECK_MS, renewCertificates);
    const directProbes = app.get(ProbeDirectly, anywhere);
    this.probeHosts = this.job('probe-hosts', PROBE_TICK_MS, () => this.probes.runDue());
    this.probeDirectly = this.job('probe-directly', PROBE_TICK_MS, () => directProbes.runDue());
    this.watchLedger = this.job('watch-ledger', LEDGER_CHECK_INTERVAL_MS, () => watchLedger.run());
    this.exchangeCredit = this.job('exchange-credit', EXCHANGE_INTERVAL_MS, () =>
      app.get(ExchangeCredit, anywhere).run(),
    );
    this.auditHosts = this.job('audit-hosts', AUDIT_TICK_MS, () => this.audits.runDue());
    this.keepStandings = this.job('keep-standings', STANDING_INTERVAL_MS, () => app.get(KeepStandings, anywhere).run());
    this.tendRepairs = this.job('tend-repairs', REPAIR_TICK_MS, () => app.get(TendRepairs, anywhere).run());
    this.job('tend-signing-keys', SIGNING_TICK_MS, async () => {
      await app.get(SigningKeys, anywhere).tend();
      await app.get(LanKeys, anywhere).tend();
    });
    this.measureChurn = this.job('measure-churn', CHURN_INTERVAL_MS, () => app.get(MeasuredChurn, anywhere).refresh());
  }

  start(): void {
    for (const job of this.all) job.start();
  }

  /** No further runs; what asks hosts at the moment is cut short. */
  async stop(): Promise<void> {
    await Promise.all([
      this.probes.stop(),
      this.audits.stop(),
      this.parts.app.get(ProbeDirectly, { strict: false }).stop(),
      ...this.all.map((job) => job.stop()),
    ]);
  }

  /** As of this moment, also beside a run that is under way. */
  async endExpiredNow(): Promise<void> {
    const { app } = this.parts;
    const anywhere = { strict: false };
    await app.get(EndExpired, anywhere).run();
    await app.get(Kits, anywhere).refresh();
    await app.get(PollDevice, anywhere).forgetExpired();
    await app.get(WaitingTime, anywhere).countAll();
    await app.get(RecordRelayUsage, anywhere).forgetOld();
  }

  private job(name: string, everyMs: number, run: () => Promise<void>): Periodic {
    const { clock, log } = this.parts;
    const job = new Periodic({ name, clock, log, intervalMs: () => everyMs, run });
    this.all.push(job);
    return job;
  }
}

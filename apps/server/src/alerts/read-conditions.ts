// Looks at the running broker for what an operator should know. What is not known yet is neither good nor bad.
import { WRITE_UNITS_PENDING_MAX } from '#database';
import type { Clock } from '#process';
import type { AuditHosts } from '../audits/audit-hosts.js';
import type { CertificateAuthority } from '../certificates/certificate-authority.js';
import type { Policy } from '../config/policy.js';
import { durabilityClassOf } from '../exchange/durability-class.js';
import { freeSpace } from '../health/readiness.js';
import type { SampleNetwork } from '../history/sample-network.js';
import type { WatchLedger } from '../ledger/watch-ledger.js';
import type { MailCounts, Mailer } from '../mail/mailer.js';
import type { BrokerMetrics } from '../metrics/broker-metrics.js';
import type { OnlineHosts } from '../placement/online-hosts.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import type { Settings } from '../platform/settings.js';
import type { OnlineRelays } from '../relays/online-relays.js';
import type { AlertKind } from './alert-kinds.js';
import type { Condition, Level } from './decide-alerts.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How far back from a threshold it is good again. */
const SLACK = 0.1;
/** Fewer hosts than these tell nothing of probes. */
const PROBED_HOSTS_MIN = 3;

export interface ConditionParts {
  readonly database: Pick<BrokerDatabase, 'reads' | 'waitingWrites'>;
  readonly settings: Pick<Settings, 'policy'>;
  readonly clock: Clock;
  readonly authority: Pick<CertificateAuthority, 'expiresAtMs'>;
  readonly mailer: Pick<Mailer, 'counts'>;
  readonly metrics: Pick<BrokerMetrics, 'refusals'>;
  readonly hosts: Pick<OnlineHosts, 'all' | 'candidates'>;
  readonly relays: Pick<OnlineRelays, 'known' | 'all'>;
  readonly samples: Pick<SampleNetwork, 'latest'>;
  readonly audits: Pick<AuditHosts, 'isAtFault'>;
  readonly watchLedger: Pick<WatchLedger, 'faults'>;
  readonly dataDir: string;
}

export class ReadConditions {
  private mails: MailCounts = { sent: 0, delayed: 0, lost: 0 };
  private lastMail: Level | null = null;
  private refused: { readonly count: number; readonly atMs: number } | null = null;

  constructor(private readonly parts: ConditionParts) {}

  async run(): Promise<Map<AlertKind, Condition>> {
    const { watchLedger, audits, samples, authority, database, clock, settings } = this.parts;
    const { alerts: policy } = settings.policy;
    const { latest } = samples;
    const conditions = new Map<AlertKind, Condition>();
    const see = (kind: AlertKind, condition: Condition | null): void => {
      if (condition !== null) conditions.set(kind, condition);
    };
    const { faults } = watchLedger;
    see('ledger_faults', faults === null ? null : yesNo(faults > 0, `${faults} faults; peerkeep-server ledger verify`));
    see('audits_at_fault', yesNo(audits.isAtFault, 'audits fail at nearly all hosts at once'));
    if (latest !== null) {
      const { usedBytes, donatedBytes } = latest;
      const usedShare = donatedBytes === 0n ? 0 : Number((usedBytes * 10_000n) / donatedBytes) / 10_000;
      see('capacity_nearly_used', above(usedShare, policy.usedShareMax, `${percent(usedShare)} of the space is used`));
    }
    const daysLeft = (authority.expiresAtMs - clock.nowMs()) / DAY_MS;
    see('certificate_ending', below(daysLeft, policy.certificateDaysMin, `${Math.floor(daysLeft)} days are left`));
    const queued = database.waitingWrites / WRITE_UNITS_PENDING_MAX;
    see('write_queue_long', above(queued, policy.writeQueueShareMax, `${database.waitingWrites} writes wait`));
    see('objects_at_risk', await this.objectsAtRisk());
    see('few_hosts', this.fewHosts());
    see('probes_failing', this.probesFailing());
    see('relays_gone', this.relaysGone());
    see('mail_failing', this.mailFailing());
    see('refusals_storm', await this.refusalsStorm());
    see('disk_nearly_full', await this.diskNearlyFull());
    return conditions;
  }

  /**
   * Objects whose repair has been due for too long. Where nothing is repaired, those that lack shards: all of them, as
   * none has a time at which it is due.
   */
  private async objectsAtRisk(): Promise<Condition | null> {
    const { database, settings, samples, clock } = this.parts;
    const { alerts, repair } = settings.policy;
    if (!repair.on) {
      if (samples.latest === null) return null;
      const { objectsAtRisk } = samples.latest;
      return above(objectsAtRisk, alerts.objectsAtRiskMax, `${objectsAtRisk} objects lack shards`);
    }
    const dueBeforeMs = clock.nowMs() - alerts.repairWaitHoursMax * HOUR_MS;
    const [row] = await database.reads.query<{ overdue: number | string }[]>(
      'SELECT COUNT(*) AS overdue FROM repairs WHERE due_since_ms <= $1',
      [dueBeforeMs],
    );
    const overdue = Number(row!.overdue);
    return above(overdue, alerts.objectsAtRiskMax, `${overdue} objects wait too long for their repair`);
  }

  private get policy(): Policy['alerts'] {
    const { policy } = this.parts.settings;
    return policy.alerts;
  }

  private fewHosts(): Condition {
    const { policy } = this.parts.settings;
    const { redundancy } = durabilityClassOf(policy)!;
    const needed = policy.alerts.hostsMin ?? Math.min(...redundancy.map(({ hosts }) => hosts));
    const placeable = this.parts.hosts.candidates().candidates.length;
    return yesNo(placeable < needed, `${placeable} hosts take shards, and ${needed} are needed`);
  }

  private probesFailing(): Condition | null {
    const { hosts, settings } = this.parts;
    const { probeHosts, alerts } = settings.policy;
    const online = hosts.all().length;
    if (!probeHosts || online < PROBED_HOSTS_MIN) return null;
    const failing = 1 - hosts.candidates().candidates.length / online;
    return above(failing, alerts.probesFailingShareMin, `${percent(failing)} of ${online} hosts take no shards`);
  }

  /** Nothing is known of relays in a network that has none. Peers behind firewalls are reached by nobody without one. */
  private relaysGone(): Condition | null {
    const { hosts, relays } = this.parts;
    if (relays.known === 0) return null;
    const attached = hosts.all().filter(({ relayId }) => relayId !== null).length;
    const detail = `none of ${relays.known} relays is there, and ${attached} hosts count on one`;
    return yesNo(
      relays.all().every(({ isEnding }) => isEnding),
      detail,
    );
  }

  /** As the newest tries went: between two mails nothing else is known of the server. */
  private mailFailing(): Condition | null {
    const { sent, delayed, lost } = this.parts.mailer.counts;
    const before = this.mails;
    this.mails = { sent, delayed, lost };
    if (sent > before.sent) this.lastMail = 'good';
    else if (delayed + lost > before.delayed + before.lost) this.lastMail = 'bad';
    const detail = `${lost} mails are lost since the start, ${delayed} tries failed`;
    return this.lastMail === null ? null : { level: this.lastMail, detail };
  }

  private async refusalsStorm(): Promise<Condition | null> {
    const { values } = await this.parts.metrics.refusals.get();
    const count = values.reduce((sum, { value }) => sum + value, 0);
    const atMs = this.parts.clock.monotonicMs();
    const before = this.refused;
    this.refused = { count, atMs };
    if (before === null || atMs <= before.atMs) return null;
    const perMinute = ((count - before.count) * MINUTE_MS) / (atMs - before.atMs);
    const max = this.policy.refusalsPerMinuteMax;
    return above(perMinute, max, `${Math.round(perMinute)} refusals a minute`);
  }

  private async diskNearlyFull(): Promise<Condition> {
    const { freeBytes, totalBytes } = await freeSpace(this.parts.dataDir);
    const share = totalBytes === 0 ? 0 : freeBytes / totalBytes;
    return below(share, this.policy.diskFreeShareMin, `${percent(share)} of the disk is free`);
  }
}

function yesNo(isBad: boolean, detail: string): Condition {
  return { level: isBad ? 'bad' : 'good', detail };
}

function above(value: number, max: number, detail: string): Condition {
  return { level: value > max ? 'bad' : value <= max * (1 - SLACK) ? 'good' : 'between', detail };
}

function below(value: number, min: number, detail: string): Condition {
  return { level: value < min ? 'bad' : value >= min * (1 + SLACK) ? 'good' : 'between', detail };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

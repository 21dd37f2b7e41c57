// Turns proof into credit: every hour, what each host that is there and in good standing holds for others; once a day,
// what that is worth on average.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import type { AccountId } from '#protocol';
import { AuditStandings } from '../audits/audit-standing.js';
import { Ledger } from '../ledger/ledger.js';
import { EXCHANGED_AT_ONCE_MAX, PROVED_HOSTS_AT_ONCE_MAX } from '../limits.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { ProbeHosts } from '../probes/probe-hosts.js';
import { decideAllowance, decideExchange, decideHour } from './decide-exchange.js';
import {
  addProvedDays,
  findGranted,
  findHeldForOthers,
  findProved,
  findUndecided,
  forgetProved,
  lastProvedHour,
  noteDecided,
  noteProvedHour,
  type ProvedDay,
} from './proved-rows.js';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

interface Decided {
  readonly accounts: number;
  /** Of them, those that spent what hosting no longer earns them, and how much. */
  readonly inDebt: number;
  readonly owed: string;
}

@Injectable()
export class ExchangeCredit {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly directory: PeerDirectory,
    private readonly probes: ProbeHosts,
    private readonly standings: AuditStandings,
    private readonly ledger: Ledger,
  ) {}

  /** What is due: this hour, if it has not been looked at, and the last whole day. */
  async run(): Promise<void> {
    const hour = Math.floor(this.clock.nowMs() / HOUR_MS);
    const last = await lastProvedHour(this.database.reads);
    if (last === null || hour > last) await this.prove(hour, last);
    await this.decide(Math.floor(hour / DAY_HOURS) - 1);
  }

  private async prove(hour: number, last: number | null): Promise<void> {
    const { gapHoursMax, windowDays } = this.settings.policy.exchange;
    // Hours in which the broker was away are no hours in which hosts were.
    const hours = last === null ? 1 : Math.min(hour - last, gapHoursMax);
    const day = Math.floor(hour / DAY_HOURS);
    const proved = await this.provedNow(day, hours);
    await this.database.write(async (db) => {
      if (!(await noteProvedHour(db, hour, hours))) return;
      await addProvedDays(db, proved);
      await forgetProved(db, { day: day - windowDays, hour: hour - windowDays * DAY_HOURS });
    });
    this.log.debug({ event: 'hour_proved', hour, hours, hosts: proved.length });
  }

  private async provedNow(day: number, hours: number): Promise<ProvedDay[]> {
    const proved: ProvedDay[] = [];
    const hosts = this.hosts.all().flatMap(({ peerId, accountId }) => {
      const counts = decideHour({
        isReachable: this.probes.reachabilityOf(peerId).reachable !== false,
        isInGoodStanding: this.standings.auditStandingOf(peerId).isGood,
        isOnProbation: this.directory.find(peerId)?.state === 'vetting',
      });
      return counts === 'nothing' ? [] : [{ peerId, accountId, isWithheld: counts === 'withheld' }];
    });
    for (let first = 0; first < hosts.length; first += PROVED_HOSTS_AT_ONCE_MAX) {
      const some = hosts.slice(first, first + PROVED_HOSTS_AT_ONCE_MAX);
      // Beside the writer: it is a long look, and an hour old figure is as good.
      const held = await findHeldForOthers(
        this.database.reads,
        some.map(({ peerId }) => peerId),
      );
      const bytesOf = new Map(held.map(({ peerId, bytes }) => [peerId, bytes]));
      for (const host of some) {
        const byteHours = (bytesOf.get(host.peerId) ?? 0) * hours;
        if (byteHours > 0) proved.push({ ...host, day, byteHours });
      }
    }
    return proved;
  }

  /** Every account once for this day, in bounded units. Days that the broker was away for are not made up for. */
  private async decide(day: number): Promise<void> {
    let decided: Decided;
    do {
      decided = await this.database.write((db) => this.decideSome(db, day));
      if (decided.accounts > 0) this.log.info({ event: 'exchange_decided', day, ...decided });
    } while (decided.accounts === EXCHANGED_AT_ONCE_MAX);
  }

  private async decideSome(db: EntityManager, day: number): Promise<Decided> {
    const accountIds = await findUndecided(db, { day, limit: EXCHANGED_AT_ONCE_MAX });
    if (accountIds.length === 0) return { accounts: 0, inDebt: 0, owed: '0' };
    const { windowDays } = this.settings.policy.exchange;
    const proved = await findProved(db, accountIds, { first: day - windowDays + 1, last: day });
    const granted = await findGranted(db, accountIds);
    const available = await this.ledger.purseOfEach(db, 'available', accountIds);
    const withheld = await this.ledger.purseOfEach(db, 'withheld', accountIds);
    const nothing = { earnedByteHours: 0n, withheldByteHours: 0n };
    const decisionOf = (accountId: AccountId): ReturnType<typeof decideExchange> =>
      decideExchange({
        accountId,
        day,
        allowance: decideAllowance(proved.get(accountId) ?? nothing, windowDays),
        granted: granted.get(accountId) ?? 0n,
        available: available.get(accountId)!,
        withheld: withheld.get(accountId)!,
      });
    const decisions = accountIds.map((accountId) => ({ accountId, ...decisionOf(accountId) }));
    await this.ledger.post(
      db,
      decisions.flatMap(({ movements }) => movements),
      this.clock.nowMs(),
    );
    for (const { accountId, granted: after } of decisions) await noteDecided(db, { accountId, granted: after, day });
    const debts = decisions.filter(({ owed }) => owed > 0n);
    const owed = debts.reduce((sum, debt) => sum + debt.owed, 0n);
    return { accounts: decisions.length, inDebt: debts.length, owed: `${owed}` };
  }
}

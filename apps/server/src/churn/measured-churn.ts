// Churn as this network shows it (B25): counted anew every hour from what is known of every host.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Log } from '#process';
import type { PeerId } from '#protocol';
import { HOST_LIVES_READ_AT_ONCE_MAX } from '../limits.js';
import { mayHost } from '../peers/peer-standing.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { HostReputation } from '../reputation/host-reputation.js';
import { type Churn, decideChurn, type ObservedChurn } from './decide-churn.js';
import { findHostLives, type KnownHostLife, lastHeardAtMs } from './host-lives.js';
import { type ObservedTime, observeHost } from './observe-host.js';

const DAY_MS = 24 * 60 * 60_000;
const YEAR_MS = 365 * DAY_MS;
const NOTHING: ObservedChurn = { hostYears: 0, losses: 0, uptime: null };

@Injectable()
export class MeasuredChurn implements OnModuleInit {
  private observed = NOTHING;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly reputation: HostReputation,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {}

  onModuleInit(): Promise<void> {
    return this.refresh();
  }

  /** As it was counted last, under the policy of this moment. */
  current(): Churn {
    return decideChurn(this.observed, this.settings.policy.churn);
  }

  /** Look at every host again. */
  async refresh(): Promise<void> {
    this.observed = await this.observe();
    this.log.debug({ event: 'churn_measured', ...this.current() });
  }

  private async observe(): Promise<ObservedChurn> {
    const { silentForMs, windowDays } = this.settings.policy.churn;
    const toMs = await lastHeardAtMs(this.database.reads);
    if (toMs === null) return NOTHING;
    const time: ObservedTime = { fromMs: toMs - windowDays * DAY_MS, toMs };
    let thereMs = 0;
    let losses = 0;
    const uptimes: number[] = [];
    for await (const host of this.everyHost()) {
      const observed = observeHost(host, time, silentForMs);
      thereMs += observed.thereMs;
      if (observed.isLost) losses++;
      const uptime = this.reputation.uptimeOf(host.peerId);
      if (!observed.isLost && mayHost(host.state) && uptime !== null) uptimes.push(uptime);
    }
    return { hostYears: thereMs / YEAR_MS, losses, uptime: meanOf(uptimes) };
  }

  private async *everyHost(): AsyncIterable<KnownHostLife> {
    let after: PeerId | '' | null = '';
    while (after !== null) {
      const page: KnownHostLife[] = await findHostLives(this.database.reads, after);
      yield* page;
      after = page.length < HOST_LIVES_READ_AT_ONCE_MAX ? null : page.at(-1)!.peerId;
    }
  }
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

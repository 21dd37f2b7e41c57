// Everything that the agent does by itself, again and again, beside serving.
import { Injectable } from '@nestjs/common';
import { NetworkRefresh } from '#broker-api';
import { backoffMs, Clock, Log, Periodic } from '#process';
import { AskPresence } from './broker-link/ask-presence.js';
import { Presence } from './broker-link/presence.js';
import { Renewals } from './broker-link/renewals.js';
import { ReconcileShards } from './keep-filter/reconcile-shards.js';
import { LanNode } from './lan/lan-node.js';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  NEIGHBOURS_INTERVAL_MS,
  NETWORK_LOOK_MS,
  PRESENCE_MS_MIN,
  PRUNE_INTERVAL_MS,
  RATE_WINDOW_MS,
  RENEWAL_CHECK_MS,
  REPORT_INTERVAL_MS,
} from './limits.js';
import { RelayLink } from './relay-link/relay-link.js';
import { RepairWorker } from './repairs/repair-worker.js';
import { KeepRefusalCounts } from './reports/keep-refusal-counts.js';
import { SendReports } from './reports/send-reports.js';
import { ScrubShards } from './scrub/scrub-shards.js';
import { ShardListener } from './serving/shard-listener.js';
import { Transfers } from './serving/transfers.js';
import { ShardTrash } from './shards/shard-trash.js';
import { SweepLeftovers } from './shards/sweep-leftovers.js';
import { AgentState } from './state/agent-state.js';
import { ReplayList } from './tokens/replay-list.js';

@Injectable()
export class AgentLoops {
  readonly presence: Periodic;
  readonly reports: Periodic;
  readonly renewals: Periodic;
  readonly prune: Periodic;
  readonly rates: Periodic;
  readonly sweep: Periodic;
  readonly trash: Periodic;
  readonly scrub: Periodic;
  readonly repairs: Periodic;
  readonly keepFilter: Periodic;
  readonly network: Periodic;
  readonly relay: Periodic;
  readonly neighbours: Periodic;
  private readonly ending = new AbortController();
  private reportFailures = 0;

  constructor(
    presence: Presence,
    askPresence: AskPresence,
    renewals: Renewals,
    listener: ShardListener,
    transfers: Transfers,
    replayList: ReplayList,
    keepRefusalCounts: KeepRefusalCounts,
    private readonly sendReports: SendReports,
    sweepLeftovers: SweepLeftovers,
    shardTrash: ShardTrash,
    scrubShards: ScrubShards,
    repairWorker: RepairWorker,
    reconcileShards: ReconcileShards,
    networkRefresh: NetworkRefresh,
    relayLink: RelayLink,
    lanNode: LanNode,
    private readonly state: AgentState,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    const { signal } = this.ending;
    this.presence = this.loop(
      'presence',
      () => presence.intervalMs(Math.random()),
      () => presence.announce(listener.port, signal),
      PRESENCE_MS_MIN,
    );
    askPresence.whenAsked(() => this.presence.soon());
    this.reports = this.loop(
      'reports',
      () => this.reportIntervalMs(),
      () => this.runReports(signal),
    );
    this.renewals = this.loop(
      'renewals',
      () => RENEWAL_CHECK_MS,
      () => renewals.check(signal),
    );
    this.prune = this.loop(
      'prune',
      () => PRUNE_INTERVAL_MS,
      async () => {
        await replayList.prune();
        await keepRefusalCounts.run();
      },
    );
    this.rates = this.loop(
      'rates',
      () => RATE_WINDOW_MS,
      async () => transfers.checkRates(),
    );
    this.sweep = this.loop(
      'sweep',
      () => sweepLeftovers.pauseMs,
      () => sweepLeftovers.sweepFolder(),
    );
    this.trash = this.loop(
      'trash',
      () => shardTrash.pauseMs,
      () => shardTrash.emptySome(),
    );
    this.scrub = this.loop(
      'scrub',
      () => scrubShards.pauseMs,
      () => scrubShards.run(signal),
    );
    this.repairs = this.loop(
      'repairs',
      () => repairWorker.pauseMs,
      () => repairWorker.run(signal),
    );
    this.keepFilter = this.loop(
      'keep-filter',
      () => reconcileShards.pauseMs,
      () => reconcileShards.run(signal),
    );
    this.network = this.loop(
      'network',
      () => NETWORK_LOOK_MS,
      async () => {
        if (networkRefresh.isDue) await networkRefresh.run({ signal });
      },
    );
    this.relay = this.loop(
      'relay',
      () => relayLink.pauseMs,
      () => relayLink.run(signal),
    );
    this.neighbours = this.loop(
      'neighbours',
      () => NEIGHBOURS_INTERVAL_MS,
      () => lanNode.tend(),
    );
  }

  /**
   * Begin, and announce the host at once. The broker may be down: serving does not wait for it (B6). A host that
   * forgot tokens waits one turn of its loop: those issued thereafter are surely later than its start.
   */
  start(): void {
    for (const loop of this.all) loop.start();
    this.network.soon();
    if (!this.state.cleanStop) return;
    this.presence
      .trigger()
      .catch((error: unknown) => this.log.warn({ event: 'periodic_failed', job: 'presence', err: error }));
  }

  /** No further runs; calls to the broker that are under way are dropped. */
  async stop(): Promise<void> {
    this.ending.abort();
    await Promise.all(this.all.map((loop) => loop.stop()));
  }

  private get all(): readonly Periodic[] {
    return [
      this.presence,
      this.reports,
      this.renewals,
      this.prune,
      this.rates,
      this.sweep,
      this.trash,
      this.scrub,
      this.keepFilter,
      this.network,
      this.relay,
      this.neighbours,
      this.repairs,
    ];
  }

  private loop(name: string, intervalMs: () => number, run: () => Promise<void>, soonMs = 0): Periodic {
    return new Periodic({ name, clock: this.clock, log: this.log, intervalMs, run, soonMs });
  }

  private async runReports(signal: AbortSignal): Promise<void> {
    try {
      await this.sendReports.run({ signal });
      this.reportFailures = 0;
    } catch (error) {
      this.reportFailures++;
      throw error;
    }
  }

  private reportIntervalMs(): number {
    if (this.reportFailures === 0) return REPORT_INTERVAL_MS;
    return backoffMs(this.reportFailures, { minMs: BACKOFF_MS_MIN, maxMs: BACKOFF_MS_MAX }, Math.random());
  }
}

// Conversations that the broker begins (B8): is this host there? When it announces itself, and then again and again.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { BoundedPool, Clock, Log } from '#process';
import { type ErrorCode, isRefusal, type PeerId } from '#protocol';
import {
  ANNOUNCED_AT_ONCE_MAX,
  ANNOUNCED_PROBES_MAX,
  ANNOUNCED_PROBES_WINDOW_MS,
  FIRST_PROBE_WAIT_MS,
  PROBE_WITNESSES_MIN,
  PROBES_AT_ONCE_MAX,
  PROBES_RECORDED_AT_ONCE_MAX,
  TOLD_AT_ONCE_MAX,
} from '../limits.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { isSamePlace, type OnlineHost, OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { RefusalCounts } from '../refusals/refusal-counts.js';
import { DirectWays } from '../relays/direct-ways.js';
import { HostReputation } from '../reputation/host-reputation.js';
import { askInBatches } from './ask-in-batches.js';
import { AskProbe } from './ask-probe.js';
import {
  inOrderToAsk,
  isBrokerBlind,
  isDue,
  type ProbeOutcome,
  type ProbeRecord,
  recentWitnesses,
  recordAfter,
  recordAt,
  standingOf,
  type Witness,
} from './decide-probe.js';
import { HostProbeEntity } from './host-probe.entity.js';

/** What a host is told of how the broker reaches it. */
export interface Reachability {
  /** Null where hosts are not probed, or the peer is none. */
  readonly reachable: boolean | null;
  readonly unreachableReason: ErrorCode | null;
}

interface Asked {
  readonly host: OnlineHost;
  readonly outcome: ProbeOutcome;
}

@Injectable()
export class ProbeHosts implements OnModuleInit {
  // At most one each for every enrolled peer.
  private readonly records = new Map<PeerId, ProbeRecord>();
  private readonly witnesses = new Map<PeerId, Witness>();
  private readonly announced = new Map<PeerId, { sinceMs: number; probes: number }>();
  private readonly running = new Set<Promise<unknown>>();
  private readonly asking = new Map<string, Promise<Asked>>();
  private readonly announcing = new BoundedPool(ANNOUNCED_AT_ONCE_MAX);
  private readonly ending = new AbortController();

  constructor(
    private readonly database: BrokerDatabase,
    private readonly hosts: OnlineHosts,
    private readonly ask: AskProbe,
    private readonly refusals: RefusalCounts,
    private readonly reputation: HostReputation,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly metrics: BrokerMetrics,
    private readonly direct: DirectWays,
  ) {
    if (settings.policy.probeHosts) hosts.chooseOnly((host) => this.isReachable(host));
  }

  async onModuleInit(): Promise<void> {
    for (const { peerId, ...record } of await this.database.reads.find(HostProbeEntity)) {
      this.records.set(peerId, record);
    }
  }

  /**
   * A host said that it is there. The first probe at a new place is waited for a little, so that the answer can tell.
   *
   * isBack   it was silent before
   */
  async onPresence(host: OnlineHost, isBack: boolean): Promise<void> {
    if (!this.settings.policy.probeHosts) return;
    const isNew = this.recordOf(host) === null;
    if (!(isNew || isBack) || !this.mayAnnounce(host.peerId)) return;
    const probing = this.track(this.probe([host], ANNOUNCED_AT_ONCE_MAX, (one) => this.askSoon(one))).catch(
      (error: unknown) => this.log.warn({ event: 'probe_failed', peerId: host.peerId, err: error }),
    );
    await new Promise<void>((resolve) => {
      const cancel = this.clock.schedule(FIRST_PROBE_WAIT_MS, resolve);
      void probing.then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Ask every online host whose time has come: first those of which nothing is known, last those that do not answer. */
  async runDue(): Promise<void> {
    if (!this.settings.policy.probeHosts) return;
    const nowMs = this.clock.nowMs();
    const due = this.hosts.all().filter((host) => isDue(this.recordOf(host), nowMs));
    due.sort((a, b) => inOrderToAsk(this.recordOf(a), this.recordOf(b)));
    const atOnceMax = PROBES_AT_ONCE_MAX - ANNOUNCED_AT_ONCE_MAX;
    if (due.length > 0) await this.track(this.probe(due, atOnceMax, (host) => this.askOnce(host)));
  }

  /**
   * Ask every online host that ever answered where it is, due or not: a probe makes it ask what there is to hear. Those that
   * answered last come first.
   */
  async runAll(): Promise<void> {
    if (!this.settings.policy.probeHosts || this.ending.signal.aborted) return;
    const proved = this.hosts.all().filter((host) => this.standing(host) !== 'unproved');
    proved.sort((a, b) => inOrderToAsk(this.recordOf(a), this.recordOf(b)));
    // Not askOnce: the host may have heard a probe under way before there was something to tell.
    await this.track(this.probe(proved, TOLD_AT_ONCE_MAX, (host) => this.askNow(host)));
  }

  reachabilityOf(peerId: PeerId): Reachability {
    const host = this.hosts.find(peerId);
    if (!this.settings.policy.probeHosts || host === undefined) return { reachable: null, unreachableReason: null };
    const record = this.recordOf(host);
    return { reachable: this.isReachable(host), unreachableReason: record?.reason ?? null };
  }

  /** No more probes; waits for the end of those under way. */
  async stop(): Promise<void> {
    this.ending.abort();
    await Promise.allSettled(this.running);
  }

  private async probe(
    hosts: readonly OnlineHost[],
    atOnceMax: number,
    ask: (host: OnlineHost) => Promise<Asked>,
  ): Promise<void> {
    const take = (asked: readonly Asked[]): Promise<void> => this.take(asked);
    try {
      await askInBatches(hosts, { atOnceMax, batchMax: PROBES_RECORDED_AT_ONCE_MAX, ask, take });
    } catch (error) {
      if (!isRefusal(error, 'interrupted')) throw error;
    }
  }

  private async take(asked: readonly Asked[]): Promise<void> {
    this.witness(asked);
    const others = asked.some((one) => this.wouldCondemn(one))
      ? await Promise.all(this.moreWitnesses().map((host) => this.askSoon(host)))
      : [];
    this.witness(others);
    await this.record([...asked, ...others]);
  }

  /** Beside those that are due, and before them. */
  private askSoon(host: OnlineHost): Promise<Asked> {
    return this.announcing.run(() => this.askOnce(host));
  }

  /** A host that is being asked at this place is not asked twice at once. */
  private askOnce(host: OnlineHost): Promise<Asked> {
    const name = `${host.peerId} ${host.address} ${host.port} ${host.relayId}`;
    let asking = this.asking.get(name);
    if (asking === undefined) {
      asking = this.askNow(host).finally(() => this.asking.delete(name));
      this.asking.set(name, asking);
    }
    return asking;
  }

  private async askNow(host: OnlineHost): Promise<Asked> {
    const to = this.hosts.addressOf(host, 'broker');
    const outcome = await this.ask.run(to, this.ending.signal);
    // Its relay is gone: this was the direct way.
    if (to.relay === undefined && host.relayId !== null) {
      this.direct.note(host, outcome.kind === 'good', this.clock.nowMs());
    }
    return { host, outcome };
  }

  private async record(asked: readonly Asked[]): Promise<void> {
    const { policy } = this.settings;
    const nowMs = this.clock.nowMs();
    for (const { outcome } of asked) this.metrics.probes.inc({ outcome: outcome.kind });
    const isBlind = isBrokerBlind(recentWitnesses([...this.witnesses.values()], nowMs), policy);
    if (isBlind) this.log.warn({ event: 'probes_lost', detail: 'hardly any host answers: is this network down?' });
    const after = asked.flatMap(({ host, outcome }) => {
      const online = this.hosts.find(host.peerId);
      // It left or moved meanwhile: what came of the old place is of no use.
      if (online === undefined || !isSamePlace(online, host)) return [];
      const before = this.recordOf(host);
      const record = recordAfter(before, host, outcome, { nowMs, isBlind, random: Math.random(), policy });
      this.tell(host.peerId, before, record);
      this.records.set(host.peerId, record);
      // While nobody can be reached, a silence says nothing.
      if (outcome.kind === 'good' || outcome.kind === 'wrong' || !isBlind) {
        this.reputation.noteAsked(host.peerId, outcome.kind === 'good');
      }
      return [{ peerId: host.peerId, ...record }];
    });
    const refused = asked.flatMap(({ host, outcome }) =>
      outcome.kind === 'good'
        ? []
        : [
            {
              hostId: host.peerId,
              clientId: 'broker',
              reporter: 'broker',
              op: 'probe',
              code: outcome.code,
            } as const,
          ],
    );
    this.refusals.add(refused, nowMs);
    if (after.length > 0) await this.database.write((db) => db.upsert(HostProbeEntity, after, ['peerId']));
  }

  private tell(peerId: PeerId, before: ProbeRecord | null, after: ProbeRecord): void {
    const { policy } = this.settings;
    const standing = standingOf(after, policy);
    if (standing === standingOf(before, policy)) return;
    this.hosts.changed();
    this.log.info({ event: 'host_standing', peerId, standing, reason: after.reason });
  }

  /** Only hosts that were believed to be reachable can tell of the broker's own network. */
  private witness(asked: readonly Asked[]): void {
    const atMs = this.clock.nowMs();
    for (const { host, outcome } of asked) {
      if (this.standing(host) !== 'reachable') continue;
      this.witnesses.set(host.peerId, { atMs, isLost: outcome.kind === 'lost' });
    }
  }

  private wouldCondemn({ host, outcome }: Asked): boolean {
    const { probeFailuresMax } = this.settings.policy;
    const failures = this.recordOf(host)?.failures ?? 0;
    return outcome.kind === 'lost' && this.standing(host) === 'reachable' && failures + 1 >= probeFailuresMax;
  }

  /** Before a host is given up, some others are asked, unless enough have been asked just now. */
  private moreWitnesses(): OnlineHost[] {
    const nowMs = this.clock.nowMs();
    const recent = new Set(
      recentWitnesses(
        [...this.witnesses].map(([peerId, witness]) => ({ peerId, ...witness })),
        nowMs,
      ).map(({ peerId }) => peerId),
    );
    const others = this.hosts.all().filter((host) => !recent.has(host.peerId) && this.isReachable(host));
    return others.slice(0, Math.max(0, PROBE_WITNESSES_MIN - recent.size));
  }

  /** A port is a peer's own word: by naming others it makes the broker ask only so often. */
  private mayAnnounce(peerId: PeerId): boolean {
    const nowMs = this.clock.nowMs();
    const known = this.announced.get(peerId);
    if (known === undefined || nowMs - known.sinceMs >= ANNOUNCED_PROBES_WINDOW_MS) {
      this.announced.set(peerId, { sinceMs: nowMs, probes: 1 });
      return true;
    }
    known.probes++;
    return known.probes <= ANNOUNCED_PROBES_MAX;
  }

  private recordOf(host: OnlineHost): ProbeRecord | null {
    return recordAt(this.records.get(host.peerId), host);
  }

  private standing(host: OnlineHost): ReturnType<typeof standingOf> {
    return standingOf(this.recordOf(host), this.settings.policy);
  }

  private isReachable(host: OnlineHost): boolean {
    return this.standing(host) === 'reachable';
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.running.add(work);
    const done = (): void => void this.running.delete(work);
    work.then(done, done);
    return work;
  }
}

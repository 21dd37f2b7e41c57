// A network that loses hosts for good month after month, whose disks rot and whose broker restarts, in one process. A month
// is some hours of the world's clock, because certificates are judged by the machine's; the times of the policy, and the
// churn that it assumes, are scaled alike. What happens is drawn from the seed; keys and ids are not.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { type ContentId, contentIdOf, type PeerId } from '#protocol';
import { shardPath } from '../../apps/peer-agent/src/shards/shard-path.js';
import { seeded } from '../../apps/server/src/audits/testing/seeded.js';
import { decideRepair } from '../../apps/server/src/repairs/decide-repair-order.js';
import { type RepairPolicy, repairPolicy } from '../../apps/server/src/repairs/repair-policy.js';
import { compareTrees } from '../../scripts/demo/compare-trees.js';
import { World, type WorldClient, type WorldHost } from '../world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** What passes between two looks of the test: about the time after which a silent host is missed. */
const STEP_MS = 40 * MINUTE_MS;
const REAL_YEAR_MS = 365 * DAY_MS;
const DEATHS_PER_MONTH = 0.05;
const RETRY_MS = 1_000;

/** The year that the options ask for, and the policy's times in it. */
function policyOf({ code, stepsPerMonth }: HardYearOptions): { repair: object; policy: object } {
  const { dataShards, totalShards, safeShards } = code;
  const yearMs = 12 * stepsPerMonth * STEP_MS;
  const scale = REAL_YEAR_MS / yearMs;
  const repair = {
    missedAfterMs: 50 * MINUTE_MS,
    ownerFirstMs: Math.round((6 * HOUR_MS) / scale),
    expectedMs: Math.round((6 * HOUR_MS) / scale),
    // Thresholds rise with the churn that is measured: whoever is below one then is found by looking at all.
    sweepMs: Math.max(MINUTE_MS, Math.round(DAY_MS / scale)),
    horizonMs: yearMs,
    waitLossMax: 0.999,
    retryMs: RETRY_MS,
  };
  const policy = {
    redundancy: [{ hosts: totalShards, dataShards, totalShards, safeShards }],
    vetting: { days: 0, uptimeMin: 0, answersMin: 0, auditsMin: 0 },
    // So often that each host is asked in each step.
    audits: { perHostPerDay: 5_000, perHostPerDayMax: 5_000 },
    churn: { silentForMs: repair.missedAfterMs, assumed: { lossesPerHostYear: 0.25 * scale, hostYears: 20 / scale } },
    presenceIntervalMs: 5 * MINUTE_MS,
    presenceTtlMs: 10 * MINUTE_MS,
    probeHosts: false,
    repair,
  };
  return { repair, policy };
}

/** Until a dead host is missed, its owner's turn is over and a worker has come by, and a restarted broker has heard of all. */
const MENDED_WITHIN_STEPS = 5;

export interface HardYearOptions {
  readonly seed: number;
  readonly agents: number;
  readonly months: number;
  readonly stepsPerMonth: number;
  readonly owners: number;
  readonly code: { readonly dataShards: number; readonly totalShards: number; readonly safeShards: number };
  /** Shards that rot in a month, and steps at which the broker restarts. */
  readonly rotsPerMonth: number;
  readonly restartsPerMonth: number;
}

export interface HardYearReport {
  deaths: number;
  rots: number;
  restarts: number;
  absences: number;
  repairs: number;
  objects: number;
  /** The fewest sound shards that any object had, beside k. */
  leastSound: number;
  /** Most steps for which an object was below its threshold. */
  longestBelow: number;
  suspended: number;
}

interface ShardRow {
  readonly object_id: string;
  readonly host_id: PeerId | null;
  readonly cid: ContentId;
  readonly size_bytes: number;
  readonly state: string;
}

interface Owner {
  readonly client: WorldClient;
  readonly source: string;
}

type Event = 'death' | 'rot' | 'restart' | 'absence';

export class HardYear {
  readonly report: HardYearReport = {
    ...{ deaths: 0, rots: 0, restarts: 0, absences: 0, repairs: 0, objects: 0, longestBelow: 0, suspended: 0 },
    leastSound: Number.POSITIVE_INFINITY,
  };
  private readonly random: () => number;
  private readonly rules: RepairPolicy;
  private readonly owners: Owner[] = [];
  /** Places whose bytes were spoiled: `host cid`. */
  private readonly spoiled = new Set<string>();
  private readonly belowSince = new Map<string, number>();
  private readonly happened: string[] = [];
  private step = 0;

  private constructor(
    readonly world: World,
    private readonly options: HardYearOptions,
  ) {
    this.random = seeded(options.seed);
    this.rules = repairPolicy.parse(policyOf(options).repair);
  }

  static async begin(options: HardYearOptions): Promise<HardYear> {
    const { policy } = policyOf(options);
    // Hosts that are away take their time too. Past the machine's time a certificate would not be valid yet.
    const stepsPerMonth = options.stepsPerMonth + Math.ceil(options.agents * DEATHS_PER_MONTH);
    const behindMs = options.months * stepsPerMonth * STEP_MS + DAY_MS;
    const world = await World.create({ hosts: 0, behindMs, policy: { ...policy } });
    const year = new HardYear(world, options);
    for (let i = 0; i < options.agents; i++) await year.addHost();
    await world.broker.keepStandingsNow();
    for (let i = 0; i < options.owners; i++) await year.addOwner(i);
    await world.settle();
    return year;
  }

  async month(): Promise<void> {
    const events = this.eventsOfMonth();
    for (let i = 0; i < this.options.stepsPerMonth; i++, this.step++) {
      for (const event of events[i]!) await this.happen(event);
      await this.world.pass(STEP_MS);
      await this.tend();
      await this.look();
    }
    await this.world.broker.endExpiredNow();
    await this.world.broker.exchangeCreditNow();
    await this.checkBooks();
    // One of the owners goes on as people do.
    await this.backUpMore(this.owners[this.below(this.owners.length)]!);
  }

  /** Every owner gets every byte back on a machine that knows the phrase alone. */
  async restoreAll(): Promise<string[]> {
    const differences: string[] = [];
    for (const [i, { client, source }] of this.owners.entries()) {
      const machine = await this.world.recoverClient(await client.phrase(), `restored-${i}`);
      const target = this.world.path(`bytes-${i}`);
      const { failed } = await machine.restore(target);
      if (failed > 0) differences.push(`owner ${i}: ${failed} failed`);
      differences.push(...(await compareTrees(source, target, [])).differences);
      await machine.close();
    }
    const { length } = await this.world.brokerRows("SELECT id FROM repair_tasks WHERE state = 'done'");
    this.report.repairs = length;
    return differences;
  }

  async end(): Promise<void> {
    await this.world.close();
  }

  private eventsOfMonth(): Event[][] {
    const { agents, rotsPerMonth, restartsPerMonth, stepsPerMonth } = this.options;
    const steps: Event[][] = Array.from({ length: stepsPerMonth }, () => []);
    const plan = (event: Event, count: number): void => {
      for (let i = 0; i < count; i++) steps[this.below(stepsPerMonth)]!.push(event);
    };
    const deaths = agents * DEATHS_PER_MONTH;
    plan('death', Math.floor(deaths) + Number(this.random() < deaths % 1));
    plan('rot', rotsPerMonth);
    plan('restart', restartsPerMonth);
    plan('absence', Math.ceil(deaths));
    return steps;
  }

  private async happen(event: Event): Promise<void> {
    this.happened.push(`${this.step} ${event}`);
    switch (event) {
      case 'death':
        return this.die();
      case 'rot':
        return this.rot();
      case 'restart':
        return this.restart();
      case 'absence':
        return this.goAway();
    }
  }

  /** A disk is gone, and a newcomer takes its place. */
  private async die(): Promise<void> {
    const host = this.anyOf(this.running);
    await host.kill();
    await rm(host.home.path, { recursive: true, force: true });
    await this.addHost();
    this.report.deaths++;
  }

  /** A bit turns. Every second time the host finds it itself, as its scrub does; else an audit or a reader does. */
  private async rot(): Promise<void> {
    const alive = new Set(this.running.map(({ peerId }) => peerId));
    const stored = (await this.shards()).filter(
      ({ state, host_id: hostId }) => state === 'stored' && alive.has(hostId!),
    );
    const { host_id: hostId, cid } = this.anyOf(stored);
    const host = this.world.hostOf(hostId!);
    await host.damage(cid);
    this.spoiled.add(`${hostId} ${cid}`);
    if (this.report.rots++ % 2 === 0)
      await this.world.askBroker(host, (broker) => broker.reportLosses({ cids: [cid] }));
  }

  private async restart(): Promise<void> {
    if (this.random() < 0.5) await this.world.broker.stop();
    else await this.world.broker.kill();
    await this.world.startBroker();
    for (const host of this.running) await host.agent.triggers.presence();
    this.report.restarts++;
  }

  /** A host is off for two days, and comes back: nobody is to miss it. */
  private async goAway(): Promise<void> {
    const host = this.anyOf(this.running);
    await host.stop();
    await this.world.pass(STEP_MS);
    await host.start();
    this.report.absences++;
  }

  /** What broker and hosts do by themselves in two days. */
  private async tend(): Promise<void> {
    const { broker } = this.world;
    await broker.keepStandingsNow();
    await broker.measureChurnNow();
    await broker.auditHostsNow();
    await broker.tendRepairsNow();
    if ((await this.waiting()) > 0) await this.world.pass(this.rules.ownerFirstMs + MINUTE_MS);
    await broker.tendRepairsNow();
    for (let turn = 0; turn < this.options.agents && (await this.waiting()) > 0; turn++) {
      await this.anyOf(this.running).agent.triggers.repairs();
      // What one could not do another may, a little later.
      this.world.clock.advance(RETRY_MS);
    }
    await this.world.settle();
    await broker.tendRepairsNow();
  }

  /** No object is lost, none is below its threshold for too long, and the books are right. */
  private async look(): Promise<void> {
    const { dataShards, totalShards } = this.options.code;
    const objects = await this.soundShards();
    this.report.objects = objects.size;
    const { lossesPerHostYear } = this.world.broker.churn();
    for (const [objectId, { sound, believed }] of objects) {
      this.report.leastSound = Math.min(this.report.leastSound, sound);
      if (sound < dataShards) assert.fail(`lost in step ${this.step}: ${await this.told(objectId)}`);
      const repairMs = this.rules.expectedMs;
      const state = { dataShards, totalShards, sound: believed, away: 0, lossesPerHostYear, repairMs };
      if (!decideRepair(state, this.rules).isDue) {
        this.belowSince.delete(objectId);
        continue;
      }
      const since = this.belowSince.get(objectId) ?? this.step;
      this.belowSince.set(objectId, since);
      this.report.longestBelow = Math.max(this.report.longestBelow, this.step - since + 1);
      if (this.step - since >= MENDED_WITHIN_STEPS)
        assert.fail(`not mended in step ${this.step}, ${believed} left: ${await this.told(objectId)}`);
    }
    await this.checkBooks();
  }

  private async checkBooks(): Promise<void> {
    const faults = await this.world.broker.checkLedger();
    if (faults.length > 0) assert.fail(`the ledger in step ${this.step}: ${await this.told()} ${faults.join('; ')}`);
  }

  /**
   * Of each object, shards that are whole at a host that lives; and with those whose rot nobody has found yet: what is not
   * known is mended when it is found.
   */
  private async soundShards(): Promise<Map<string, { sound: number; believed: number }>> {
    const alive = new Map(this.running.map((host) => [host.peerId, host]));
    const found = new Map<string, { sound: number; believed: number }>();
    for (const shard of await this.shards()) {
      const host = shard.host_id === null ? undefined : alive.get(shard.host_id);
      const isBelieved = shard.state === 'stored' && host !== undefined;
      const isSound = isBelieved && (await this.isWhole(host, shard));
      const { sound, believed } = found.get(shard.object_id) ?? { sound: 0, believed: 0 };
      found.set(shard.object_id, { sound: sound + Number(isSound), believed: believed + Number(isBelieved) });
    }
    return found;
  }

  /** What was spoiled once may have been put anew. */
  private async isWhole(host: WorldHost, { cid, size_bytes: sizeBytes }: ShardRow): Promise<boolean> {
    const place = `${host.peerId} ${cid}`;
    if (!this.spoiled.has(place)) return true;
    const bytes = await readFile(shardPath(host.shardFolder, cid).file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    const isWhole = bytes !== null && contentIdOf(bytes.subarray(0, sizeBytes)) === cid;
    if (isWhole) this.spoiled.delete(place);
    return isWhole;
  }

  private async addHost(): Promise<void> {
    await this.world.addHost(undefined, { repairs: { bytesPerSecond: null, atOnce: 1 } });
  }

  private async addOwner(i: number): Promise<void> {
    const client = await this.world.addClient(`owner-${i}`);
    const source = await this.world.writeFiles(`source-${i}`, { 'a.bin': randomBytes(60_000), 'b.txt': `owner ${i}` });
    await client.backup(source);
    await client.close();
    this.owners.push({ client, source });
  }

  private async backUpMore({ client, source }: Owner): Promise<void> {
    const folder = source.slice(this.world.folder.length + 1);
    await this.world.writeFiles(folder, { [`step-${this.step}.bin`]: randomBytes(20_000) });
    await client.open();
    await client.backup(source);
    await client.close();
    await this.world.settle();
  }

  private shards(): Promise<ShardRow[]> {
    return this.world.brokerRows<ShardRow>(
      `SELECT s.object_id, s.host_id, s.cid, s.size_bytes, s.state FROM shards s JOIN objects o ON o.id = s.object_id
       WHERE o.deleted_at_ms IS NULL ORDER BY s.object_id, s.shard_index`,
    );
  }

  private async waiting(): Promise<number> {
    return (await this.world.brokerRows('SELECT object_id FROM repairs')).length;
  }

  private get running(): WorldHost[] {
    return this.world.hosts.filter(({ isRunning }) => isRunning);
  }

  private anyOf<T>(list: readonly T[]): T {
    assert(list.length > 0);
    return list[this.below(list.length)]!;
  }

  private below(count: number): number {
    return Math.floor(this.random() * count);
  }

  /** What is known when something is wrong: all that happened, and where each shard of the object is. */
  private async told(objectId?: string): Promise<string> {
    const shards = (await this.shards()).filter(({ object_id: id }) => id === objectId);
    const alive = new Set(this.running.map(({ peerId }) => peerId));
    const places = shards.map(({ state, host_id: hostId, cid }) => ({
      ...{ state, hostId, isAlive: hostId !== null && alive.has(hostId), cid },
      isSpoiled: this.spoiled.has(`${hostId} ${cid}`),
    }));
    const waiting = await this.world.brokerRows('SELECT * FROM repairs');
    const tasks = await this.world.brokerRows('SELECT * FROM repair_tasks ORDER BY id DESC LIMIT 20');
    const verdicts = await this.world.brokerRows("SELECT * FROM audit_scores WHERE verdict <> 'ok'");
    const told = { ...this.options, ...this.report, events: this.happened, places, waiting, tasks, verdicts };
    return JSON.stringify(told);
  }
}

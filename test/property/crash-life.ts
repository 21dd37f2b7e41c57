// One account in a network of its own, as a seed decides it: its folder changes, it backs up, forgets and prunes, and in
// the middle of any call the client, the broker or hosts may crash. What runs at the same time is not the seed's to decide.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineEvent } from '#backup';
import { pause } from '#process';
import { isRefusal, type ObjectId } from '#protocol';
import { Seeded } from '../../libs/backup/src/prune/testing/seeded.js';
import { World, type WorldClient } from '../world.js';
import type { LifeEnd } from './lives.js';
import { RandomTree, removeFolders } from './random-tree.js';
import { manifestDifferences, manifestOf } from './tree-manifest.js';

const STEPS = 7;
const HOSTS = 6;
const LARGE_BYTES_MAX = 3_000_000;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** All steps of a life together stay within the 12 hours by which the clock of the world is behind. */
const STEP_MS_MAX = 30 * MINUTE_MS;
const GRACE_MS = 20 * MINUTE_MS;
/** Of every server of this process: the broker's and the hosts'. */
const REQUEST_STARTS = 'http.server.request.start';
const TICK_EVERY_MS = 20;
const TICK_MS = 100;
/** After so many ticks without a request or an event a call with somebody away waits for time alone, for up to minutes. */
const QUIET_TICKS = 10;
const QUIET_TICK_MS = 2 * SECOND_MS;

type Crash = 'none' | 'client' | 'broker' | 'hosts';
type Running = { signal: AbortSignal; onEvent: (event: EngineEvent) => void };

interface Watch {
  readonly signal: AbortSignal;
  readonly onStep: () => void;
  readonly isSomebodyAway: () => boolean;
}

export class CrashLife {
  private readonly counts = {
    complete: 0,
    client: 0,
    broker: 0,
    hosts: 0,
    crashes: 0,
    refused: 0,
    forgotten: 0,
    deletedObjects: 0,
  };
  private readonly complete = new Map<ObjectId, readonly string[]>();
  private readonly tree: RandomTree;
  private restores = 0;

  private constructor(
    private readonly random: Seeded,
    private readonly world: World,
    private readonly client: WorldClient,
  ) {
    this.tree = new RandomTree(world.path('source'), random, LARGE_BYTES_MAX);
  }

  static async begin(seed: number): Promise<CrashLife> {
    const world = await World.create({ hosts: HOSTS });
    return new CrashLife(new Seeded(seed), world, await world.addClient());
  }

  async live(): Promise<LifeEnd> {
    const { random, world } = this;
    this.tree.grow(25);
    await this.backup('none');
    for (let step = 0; step < STEPS; step++) {
      await world.pass(MINUTE_MS + random.below(STEP_MS_MAX - MINUTE_MS));
      if (random.chance(0.5)) await world.settle();
      const crash = random.pick<Crash>(['none', 'client', 'client', 'broker', 'hosts']);
      const kind = random.below(10);
      this.tree.edit(random.below(8));
      if (kind < 6) await this.backup(crash);
      else if (kind < 8) await this.forget(crash);
      else await this.prune(crash);
    }
    await this.backup('none');
    return { faults: await this.findFaults(), counts: this.counts };
  }

  async end(): Promise<void> {
    removeFolders(this.tree.root);
    await this.world.close();
  }

  private async findFaults(): Promise<string[]> {
    const { client, world } = this;
    const faults = await this.restoreAll(client, 'the old machine');
    // What a backup found hosts for, enough but not all, is told, and mended.
    const wish = { readData: true, ignoreAway: false, from: [], dryRun: false };
    await this.asTimeGoesOn((running) => client.engine.repair({ ...wish, ...running }));
    const fresh = await world.recoverClient(await client.phrase());
    faults.push(...(await this.restoreAll(fresh, 'a new machine')));
    const { ok, missingChunks, underReplicated, concernedFiles, badHosts } = await this.asTimeGoesOn((running) =>
      fresh.engine.check({ readData: true, ...running }),
    );
    if (!ok || missingChunks + underReplicated + concernedFiles + badHosts.length > 0) {
      faults.push(`check: ${JSON.stringify({ ok, missingChunks, underReplicated, concernedFiles, badHosts })}`);
    }
    await world.settle();
    return [...faults, ...(await world.broker.checkLedger())];
  }

  private async backup(crash: Crash): Promise<void> {
    const { client, random, tree } = this;
    const wanted = manifestOf(tree.root);
    const wish = { paths: [tree.root], ...(random.chance(0.2) && { parent: 'none' as const }) };
    const tags = random.chance(0.3) ? ['some'] : [];
    const summary = await this.during(crash, (running) => client.engine.backup({ ...wish, tags, ...running }));
    // One that is not confirmed is not promised: the next backup may withdraw it.
    if (summary?.snapshotId == null || !summary.reported) return;
    this.counts.complete++;
    this.complete.set(summary.snapshotId, wanted);
  }

  private async forget(crash: Crash): Promise<void> {
    if (this.complete.size === 0) return;
    const id = this.random.pick([...this.complete.keys()]);
    // Whatever becomes of it: nobody relies on what was to be forgotten.
    this.complete.delete(id);
    this.counts.forgotten++;
    const nothing = { hosts: [], tags: [], paths: [] };
    const policy = { keep: {}, within: {}, tags: [] };
    const wish = { ids: [id], filter: nothing, groupBy: [], policy, dryRun: false, removeAll: false };
    await this.during(crash, (running) => this.client.engine.forget({ ...wish, ...running }));
  }

  /** Two, the second when what the first marked is ripe. */
  private async prune(crash: Crash): Promise<void> {
    const wish = { graceMs: GRACE_MS, minAgeMs: GRACE_MS, repackBytesMax: null, smallBytesMax: null, dryRun: false };
    const maxUnused = { percent: this.random.pick([0, 10]) };
    for (const meanwhile of [crash, 'none'] as const) {
      await this.world.pass(STEP_MS_MAX);
      const summary = await this.during(meanwhile, (running) =>
        this.client.engine.prune({ ...wish, maxUnused, ...running }),
      );
      this.counts.deletedObjects += summary?.deleted.objects ?? 0;
    }
  }

  /**
   * Let something crash in the middle of a call: at the n-th request to broker or hosts, or event that the engine
   * tells. What is not the client comes back, in the middle of the call as often as after it. Null when the call failed,
   * or its client is gone.
   */
  private async during<T>(crash: Crash, act: (running: Running) => Promise<T>): Promise<T | null> {
    const { client, world, random } = this;
    const atStep = 1 + random.below(random.pick([4, 15, 40]));
    const awayMs = random.below(random.pick([SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS]));
    const victims = [...new Set([random.below(HOSTS), random.below(HOSTS)])].map((host) => world.hosts[host]!);
    const folder = join(client.home.path, 'client');
    const saved = world.path(`saved-${random.below(2 ** 31)}`);
    const dying = new AbortController();
    const ended = new AbortController();
    let back: Promise<void> | null = null;
    let steps = 0;
    const step = (): void => {
      if (++steps !== atStep || crash === 'none') return;
      this.counts.crashes++;
      this.counts[crash]++;
      if (crash === 'client') {
        cpSync(folder, saved, { recursive: true });
        dying.abort();
        back = Promise.resolve();
      } else back = this.crashServers(crash === 'broker' ? 'broker' : victims, awayMs, ended.signal);
    };
    let result: T | null = null;
    try {
      const isSomebodyAway = (): boolean => back !== null && crash !== 'client';
      result = await this.asTimeGoesOn(act, { signal: dying.signal, onStep: step, isSomebodyAway });
    } catch (error) {
      // A mistake of ours is not a refusal, and ends the test.
      if (!isRefusal(error) || back === null) throw error;
      this.counts.refused++;
    }
    ended.abort();
    await back;
    if (back === null || crash !== 'client') return result;
    // As the disk was at the crash: what the dying program wrote after it never happened.
    await client.close();
    rmSync(folder, { recursive: true });
    cpSync(saved, folder, { recursive: true });
    await client.open();
    return null;
  }

  /** Resolves when they are back: after `awayMs`, or at once when the call ends. */
  private async crashServers(who: 'broker' | World['hosts'], awayMs: number, ended: AbortSignal): Promise<void> {
    const { world } = this;
    if (who === 'broker') await world.broker.kill();
    else await Promise.all(who.map((host) => host.kill()));
    await pause(world.clock, awayMs, ended);
    if (who === 'broker') await world.startBroker();
    else for (const host of who) await host.start();
  }

  /** Turn the clock while somebody works or waits, and tell what happens meanwhile. */
  private async asTimeGoesOn<T>(act: (running: Running) => Promise<T>, watch: Partial<Watch> = {}): Promise<T> {
    const { signal = new AbortController().signal, onStep, isSomebodyAway } = watch;
    let quietTicks = 0;
    const step = (): void => {
      quietTicks = 0;
      onStep?.();
    };
    subscribe(REQUEST_STARTS, step);
    const ticking = setInterval(() => {
      const isQuiet = ++quietTicks > QUIET_TICKS && isSomebodyAway?.() === true;
      this.world.clock.advance(isQuiet ? QUIET_TICK_MS : TICK_MS);
    }, TICK_EVERY_MS);
    try {
      return await act({ signal, onEvent: step });
    } finally {
      clearInterval(ticking);
      unsubscribe(REQUEST_STARTS, step);
    }
  }

  private async restoreAll(client: WorldClient, machine: string): Promise<string[]> {
    const faults: string[] = [];
    for (const [snapshot, wanted] of this.complete) {
      const target = this.world.path(`restored-${++this.restores}`);
      try {
        await this.asTimeGoesOn((running) => client.engine.restore({ snapshot, target, includes: [], ...running }));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        faults.push(`${machine}, snapshot ${snapshot}: ${error.code}`);
        continue;
      }
      const differences = manifestDifferences(wanted, manifestOf(target));
      faults.push(...differences.map((line) => `${machine}, snapshot ${snapshot}: ${line}`));
    }
    return faults;
  }
}

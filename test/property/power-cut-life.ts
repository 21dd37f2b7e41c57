// One life of a machine, as a seed decides it: its folder changes, it backs up, forgets and prunes, and at any call to the
// broker, to a host or to its disk the power may go, or the broker or a host be away for a while.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BackupEngine } from '#backup';
import { FakeClock, openLog } from '#process';
import { isRefusal, type ObjectId, type PeerId, ProtocolError, uuidV7 } from '#protocol';
import { Seeded } from '../../libs/backup/src/prune/testing/seeded.js';
import { MemoryNetwork } from '../../libs/backup/src/testing/memory-network.js';
import type { PowerCutDisk } from './power-cut-disk.js';
import { RandomTree } from './random-tree.js';
import { manifestDifferences, manifestOf } from './tree-manifest.js';

const HOUR_MS = 3_600_000;
const STEPS = 7;
const LARGE_BYTES_MAX = 1_500_000;
const SIGNAL = new AbortController().signal;
const EVERY = { hosts: [], tags: [], paths: [] };
const log = openLog('test', 'silent');

export interface LifeSummary {
  /** What is wrong; empty after a good life. */
  readonly faults: readonly string[];
  readonly complete: number;
  readonly cuts: number;
  readonly refused: number;
  readonly forgotten: number;
  readonly deletedObjects: number;
  readonly restores: number;
}

type Trouble =
  | { readonly kind: 'none' }
  | { readonly kind: 'power'; readonly atCall: number; readonly isDone: boolean }
  | { readonly kind: 'broker' | 'host'; readonly atCall: number; readonly calls: number; readonly isDone: boolean };

export class PowerCutLife {
  private readonly random: Seeded;
  private readonly clock = new FakeClock(Date.now());
  private readonly network: MemoryNetwork;
  private readonly tree: RandomTree;
  private readonly masterKey: Uint8Array;
  private readonly complete = new Map<ObjectId, readonly string[]>();
  private readonly counts = { complete: 0, cuts: 0, refused: 0, forgotten: 0, deletedObjects: 0, restores: 0 };
  private engine!: BackupEngine;
  private home = 0;
  private trouble: Trouble = { kind: 'none' };
  private calls = 0;
  private isDark = false;

  constructor(
    seed: number,
    private readonly folder: string,
    private readonly disk: PowerCutDisk,
  ) {
    this.random = new Seeded(seed);
    const { clock } = this;
    const code = { hosts: 4, dataShards: 2, totalShards: 3, safeShards: 2, nowMs: () => clock.nowMs() };
    this.network = new MemoryNetwork(this.random, code);
    this.tree = new RandomTree(join(folder, 'source'), this.random, LARGE_BYTES_MAX);
    this.masterKey = Buffer.alloc(32, 1 + this.random.below(200));
    disk.onSync = () => this.count();
  }

  async live(): Promise<LifeSummary> {
    this.tree.grow(12);
    await this.open();
    await this.backup({ kind: 'none' });
    for (let step = 0; step < STEPS; step++) {
      this.clock.advance(1_000 + this.random.below(HOUR_MS));
      if (this.random.chance(0.3)) this.network.hostsReport();
      await this.act();
    }
    const faults = await this.findFaults();
    return { faults, ...this.counts };
  }

  private async act(): Promise<void> {
    const { random } = this;
    const kind = random.below(10);
    if (kind < 6) {
      this.tree.edit(random.below(6));
      await this.backup(this.someTrouble());
    } else if (kind < 8) await this.forget(this.someTrouble());
    else {
      await this.prune(this.someTrouble());
      this.clock.advance(3 * HOUR_MS);
      if (random.chance(0.7)) await this.prune(this.someTrouble());
    }
  }

  private async backup(trouble: Trouble): Promise<void> {
    const wanted = manifestOf(this.tree.root);
    const { random } = this;
    const summary = await this.during(trouble, (engine) =>
      engine.backup({
        paths: [this.tree.root],
        tags: random.chance(0.3) ? ['some'] : [],
        ...(random.chance(0.2) && { parent: 'none' as const }),
        ...running(),
      }),
    );
    // One that is not confirmed is not promised: the next backup may withdraw it.
    if (summary?.snapshotId == null || !summary.reported) return;
    this.counts.complete++;
    this.complete.set(summary.snapshotId, wanted);
  }

  private async forget(trouble: Trouble): Promise<void> {
    const known = [...this.complete.keys()];
    if (known.length === 0) return;
    const doomed = [...new Set([this.random.pick(known), this.random.pick(known)])];
    // Whatever becomes of it: nobody relies on what was to be forgotten.
    for (const id of doomed) this.complete.delete(id);
    this.counts.forgotten += doomed.length;
    const policy = { keep: {}, within: {}, tags: [] };
    const request = { ids: doomed, filter: EVERY, groupBy: [], policy, dryRun: false, removeAll: false };
    await this.during(trouble, (engine) => engine.forget({ ...request, ...running() }), ['snapshot_unknown']);
  }

  private async prune(trouble: Trouble): Promise<void> {
    const wish = { graceMs: HOUR_MS, minAgeMs: HOUR_MS, repackBytesMax: null, smallBytesMax: null, dryRun: false };
    const maxUnused = { percent: this.random.pick([0, 5, 50]) };
    const summary = await this.during(trouble, (engine) => engine.prune({ ...wish, maxUnused, ...running() }));
    this.counts.deletedObjects += summary?.deleted.objects ?? 0;
  }

  /** What the person sees of it: null when it failed, or when nobody was there any more to see it. */
  private async during<T>(
    trouble: Trouble,
    act: (engine: BackupEngine) => Promise<T>,
    mayRefuse: readonly string[] = [],
  ): Promise<T | null> {
    this.trouble = trouble;
    this.calls = 0;
    let result: T | null = null;
    try {
      result = await act(this.engine);
    } catch (error) {
      // A mistake of ours is not a refusal, and ends the test.
      if (!isRefusal(error)) throw error;
      if (trouble.kind === 'none' && !mayRefuse.includes(error.code)) throw error;
      this.counts.refused++;
    }
    this.trouble = { kind: 'none' };
    const wasDark = this.isDark;
    if (wasDark || this.random.chance(0.2)) await this.restart();
    return wasDark ? null : result;
  }

  private async restart(): Promise<void> {
    await this.engine.close();
    this.isDark = false;
    await this.open();
  }

  private async open(): Promise<void> {
    this.engine = await this.openMachine(this.homeFolder, 1);
  }

  private openMachine(folder: string, machine: number): Promise<BackupEngine> {
    const machineId = uuidV7<PeerId>(1_000, new Uint8Array(10).fill(machine));
    const { masterKey, clock } = this;
    const links = this.network.links((_call, host, act) => this.perform(host, act));
    return BackupEngine.openOver({ masterKey, machineId, folder, clock, log }, links);
  }

  private get homeFolder(): string {
    return join(this.folder, `home-${this.home}`, 'client');
  }

  /** One call: done, or not, or done without an answer. */
  private async perform<T>(host: number | null, act: () => T): Promise<T> {
    const failure = (): ProtocolError =>
      new ProtocolError(host === null ? 'broker_unreachable' : 'peer_unreachable', { host: host ?? -1 });
    await new Promise(setImmediate);
    if (this.isDark) throw failure();
    const { trouble } = this;
    const call = this.count();
    if (this.isDark) {
      if (trouble.kind === 'power' && trouble.isDone) act();
      throw failure();
    }
    if (trouble.kind !== 'broker' && trouble.kind !== 'host') return act();
    const isStruck = trouble.kind === 'broker' ? host === null : host === trouble.calls % 4;
    if (!isStruck || call < trouble.atCall || call >= trouble.atCall + trouble.calls) return act();
    if (trouble.isDone) act();
    throw failure();
  }

  /** Count a call or a sync; at the one that the trouble is planned for the power goes. */
  private count(): number {
    const call = ++this.calls;
    const { trouble } = this;
    if (!this.isDark && trouble.kind === 'power' && call >= trouble.atCall) {
      this.isDark = true;
      this.counts.cuts++;
      const before = this.homeFolder;
      this.home++;
      mkdirSync(join(this.folder, `home-${this.home}`));
      if (existsSync(before)) this.disk.copyAfterCut(before, this.homeFolder, this.random);
    }
    return call;
  }

  private someTrouble(): Trouble {
    const { random } = this;
    if (random.chance(0.35)) return { kind: 'none' };
    const atCall = 1 + random.below(random.pick([6, 25, 60]));
    const isDone = random.chance(0.5);
    const kind = random.pick(['power', 'power', 'broker', 'host'] as const);
    return kind === 'power' ? { kind, atCall, isDone } : { kind, atCall, isDone, calls: 1 + random.below(12) };
  }

  private async findFaults(): Promise<string[]> {
    const faults: string[] = [];
    const old = this.engine;
    await this.backup({ kind: 'none' });
    await this.restoreAll(this.engine, 'the old machine', faults);
    if (old !== this.engine) await this.engine.close();
    else await old.close();
    const fresh = await this.openMachine(join(this.folder, 'fresh'), 2);
    try {
      await this.restoreAll(fresh, 'a new machine', faults);
      const { ok, missingChunks, underReplicated } = await fresh.check({ readData: true, ...running() });
      if (!ok || missingChunks > 0) faults.push(`check: ok ${ok}, ${missingChunks} chunks missing, ${underReplicated}`);
    } finally {
      await fresh.close();
    }
    return faults;
  }

  private async restoreAll(engine: BackupEngine, machine: string, faults: string[]): Promise<void> {
    for (const [snapshot, wanted] of this.complete) {
      const target = join(this.folder, `restored-${++this.counts.restores}`);
      try {
        await engine.restore({ snapshot, target, includes: [], ...running() });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        faults.push(`${machine}, snapshot ${snapshot}: ${error.code}`);
        continue;
      }
      const differences = manifestDifferences(wanted, manifestOf(target));
      faults.push(...differences.map((line) => `${machine}, snapshot ${snapshot}: ${line}`));
    }
  }
}

function running(): { signal: AbortSignal; onEvent: () => void } {
  return { signal: SIGNAL, onEvent: () => undefined };
}

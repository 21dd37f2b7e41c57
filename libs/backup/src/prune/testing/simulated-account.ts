// One random life of an account: two machines back up, others forget and prune, everybody crashes; then the reckoning.
import { strict as assert } from 'node:assert';
import { isRefusal, type ObjectId, type PeerId, ProtocolError } from '#protocol';
import { TreeReader } from '../../get/tree-reader.js';
import { decodeSnapshot, encodeSnapshot } from '../../trees/snapshot-codec.js';
import { type PruneSummary, runPrune } from '../run-prune.js';
import { StoredChunkMap } from '../stored-chunks.js';
import { Seeded } from './seeded.js';
import { type Files, type MachineDisk, simulateBackup } from './simulated-backup.js';
import { atOnce, Crash, SimulatedBroker, SimulatedMachine } from './simulated-broker.js';

const HOUR_MS = 3_600_000;
const START_MS = 1_795_000_000_000;
const signal = new AbortController().signal;

/** Rules of the design that are left out, to see that the test would notice. */
export interface Omissions {
  /** Prunes do not see holds. */
  readonly holds?: boolean;
  /** Backups do not see the marks that were there when they began. */
  readonly markedAreAbsent?: boolean;
  /** Backups do not look again after their snapshot. */
  readonly lastLook?: boolean;
}

export interface Reckoning {
  /** Snapshots that were complete and not forgotten, and cannot be restored. */
  readonly lost: readonly string[];
  readonly complete: number;
  readonly steps: number;
  readonly prunes: number;
  readonly deleted: number;
  readonly repacked: number;
  readonly crashes: number;
}

export class SimulatedAccount {
  private readonly random: Seeded;
  private readonly broker: SimulatedBroker;
  private readonly complete = new Map<ObjectId, Files>();
  private readonly counts = { complete: 0, prunes: 0, deleted: 0, repacked: 0, crashes: 0 };

  constructor(
    seed: number,
    private readonly omit: Omissions = {},
  ) {
    this.random = new Seeded(seed);
    this.broker = new SimulatedBroker(this.random, START_MS);
  }

  async live(): Promise<Reckoning> {
    const { random, broker } = this;
    const pruners = random.chance(0.3) ? 2 : 1;
    const processes = [
      ...[1, 2].map((number) => this.keepBackingUp(diskOf(number))),
      ...Array.from({ length: pruners }, (_, i) => this.keepPruning(diskOf(3 + i))),
    ];
    await broker.run(processes, random.chance(0.7) ? 0.01 : 0);
    await Promise.all(processes);
    return { lost: await this.findLost(), steps: broker.steps, ...this.counts };
  }

  /** After it all: prune until there is nothing more to do. Returns what is stored and nobody wants. */
  async tidyUp(): Promise<string[]> {
    const { broker } = this;
    const machine = new SimulatedMachine(broker, 0, { unreachable: 0 }, {}, atOnce);
    for (const objectId of [...broker.unheard.keys()]) broker.hear(objectId);
    for (let prunes = 0; prunes < 8; prunes++) {
      broker.nowMs += 45 * 24 * HOUR_MS;
      await this.pruneOnce(machine, diskOf(9).machineId, 24 * HOUR_MS);
    }
    const wanted = await this.wantedChunks();
    return [...broker.listed.values()].flatMap(({ objectId, kind, entries }) => {
      if (kind === 'notice') return [`notice ${objectId}`];
      if (kind !== 'data' && kind !== 'tree') return [];
      return entries.filter(({ chunkId }) => !wanted.has(hex(chunkId))).map(() => `chunk in ${kind} ${objectId}`);
    });
  }

  private async keepBackingUp(disk: MachineDisk): Promise<void> {
    const { random, broker } = this;
    const files = new Map<string, string>();
    const clockErrorMs = this.anyClockError();
    for (let runs = 0; runs < 5; runs++) {
      for (let edits = 0; edits < 4; edits++) {
        // Few names and few texts, so that machines and times share chunks.
        const name = `file-${random.below(5)}`;
        if (random.chance(0.3)) files.delete(name);
        else files.set(name, `text ${random.below(9)}`);
      }
      const machine = new SimulatedMachine(broker, clockErrorMs, { unreachable: 0.004 });
      const now = new Map(files);
      const noLastLook = this.omit.lastLook === true;
      if (this.omit.markedAreAbsent === true) {
        const before = new Set(broker.listed.keys());
        machine.blind = { marks: (objectId) => before.has(objectId) };
      }
      const snapshotId = await this.attempt(() => simulateBackup(machine, disk, now, { noLastLook, signal }));
      if (snapshotId === null || snapshotId === undefined) continue;
      this.complete.set(snapshotId, now);
      this.counts.complete++;
    }
  }

  private async keepPruning(disk: MachineDisk): Promise<void> {
    const { random, broker } = this;
    const clockErrorMs = this.anyClockError();
    for (let prunes = 0; prunes < 8; prunes++) {
      const machine = new SimulatedMachine(
        broker,
        clockErrorMs,
        { unreachable: 0.004 },
        { holds: this.omit.holds === true },
      );
      await this.attempt(() => this.forgetSome(machine));
      await this.attempt(() => this.tagOne(machine));
      const graceMs = random.pick([0, HOUR_MS / 4, HOUR_MS, 24 * HOUR_MS]);
      await this.attempt(() => this.pruneOnce(machine, disk.machineId, graceMs));
    }
  }

  private async forgetSome(machine: SimulatedMachine): Promise<void> {
    const forgotten = [...this.complete.keys()].filter(() => this.random.chance(0.6));
    for (const objectId of forgotten) {
      // From here on nobody may count on it, whatever becomes of the request.
      this.complete.delete(objectId);
      await machine.delete([objectId]);
    }
  }

  /** As `tag` does: another snapshot of the same folders is listed before the one that it replaces is deleted. */
  private async tagOne(machine: SimulatedMachine): Promise<void> {
    const before = [...this.complete.keys()].find((objectId) => this.broker.listed.has(objectId));
    if (before === undefined || this.random.chance(0.5)) return;
    const files = this.complete.get(before)!;
    const snapshot = decodeSnapshot(this.broker.listed.get(before)!.plaintexts[0]!);
    const tags = [...snapshot.tags, `tag ${this.broker.steps}`];
    const { objectId } = await machine.store('snapshot', [encodeSnapshot({ ...snapshot, tags })]);
    await machine.settle();
    // Another machine may have forgotten the first one meanwhile; then the second stands for nothing that is safe.
    if (!this.complete.delete(before)) return machine.delete([objectId]).then(() => undefined);
    this.complete.set(objectId, files);
    await machine.delete([before]);
  }

  private async pruneOnce(machine: SimulatedMachine, machineId: PeerId, graceMs: number): Promise<void> {
    const { random } = this;
    const request = {
      graceMs,
      minAgeMs: random.pick([0, 0, HOUR_MS, 24 * HOUR_MS]),
      maxUnused: { percent: 0 },
      repackBytesMax: null,
      smallBytesMax: null,
      dryRun: false,
      signal,
      onEvent: () => undefined,
    };
    try {
      const summary: PruneSummary = await runPrune({ store: machine, machineId }, request);
      this.counts.prunes++;
      this.counts.deleted += summary.deleted.objects;
      this.counts.repacked += summary.repacked.objects;
    } catch (error) {
      // A run that died between its snapshot and its last look can leave one that is not whole: a person forgets it.
      if (!(error instanceof ProtocolError) || typeof error.facts.snapshot !== 'string') throw error;
      const broken = error.facts.snapshot as ObjectId;
      if (!this.complete.has(broken)) await machine.delete([broken]);
    }
  }

  /** What a machine does until it is done, fails, or is switched off. */
  private async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Crash) this.counts.crashes++;
      else if (!isRefusal(error)) throw error;
      return undefined;
    }
  }

  async findLost(): Promise<string[]> {
    const lost: string[] = [];
    const machine = new SimulatedMachine(this.broker, 0, { unreachable: 0 }, {}, atOnce);
    const trees = await this.reading(machine);
    for (const [objectId, files] of this.complete) {
      const restored = await this.restore(machine, trees, objectId).catch((error: unknown) => {
        assert(error instanceof ProtocolError);
        return new Map([['lost', error.code]]);
      });
      const expected = [...files].sort();
      if (JSON.stringify([...restored].sort()) !== JSON.stringify(expected)) {
        lost.push(`${objectId}: ${JSON.stringify([...restored])}`);
      }
    }
    return lost;
  }

  /** As a new machine restores: by the list, the indexes in it, and the trees. */
  private async restore(machine: SimulatedMachine, trees: TreeReader, objectId: ObjectId): Promise<Files> {
    const stored = this.broker.listed.get(objectId);
    if (stored === undefined) throw new ProtocolError('snapshot_unknown');
    const files = new Map<string, string>();
    for await (const next of trees.walk(decodeSnapshot(stored.plaintexts[0]!).root, () => true, signal)) {
      if (next.step === 'lost') throw next.failure;
      if (next.step !== 'entry' || next.entry.type !== 'file') continue;
      const parts: Buffer[] = [];
      for await (const id of trees.contentOf(next.entry, signal)) parts.push(await machine.chunk(trees.locate(id)));
      files.set(Buffer.from(next.entry.name).toString(), Buffer.concat(parts).toString());
    }
    return files;
  }

  private async wantedChunks(): Promise<Set<string>> {
    const machine = new SimulatedMachine(this.broker, 0, { unreachable: 0 }, {}, atOnce);
    const trees = await this.reading(machine);
    const wanted = new Set<string>();
    const add = (id: string): unknown => wanted.add(Buffer.from(id, 'base64url').toString('hex'));
    for (const { kind, plaintexts } of this.broker.listed.values()) {
      if (kind !== 'snapshot') continue;
      const { root } = decodeSnapshot(plaintexts[0]!);
      for (const id of root) add(id);
      for await (const next of trees.walk(root, () => true, signal)) {
        if (next.step !== 'entry' || next.entry.type !== 'file') continue;
        for await (const id of trees.contentOf(next.entry, signal)) add(id);
      }
    }
    return wanted;
  }

  private async reading(machine: SimulatedMachine): Promise<TreeReader> {
    const listed = [...this.broker.listed.values()];
    const indexes = listed.filter(({ kind }) => kind === 'index').map(({ objectId }) => objectId);
    const ids = new Set(listed.map(({ objectId }) => objectId));
    const map = await StoredChunkMap.read(machine, { indexes, listed: ids, condemned: [] }, signal);
    return new TreeReader(map.index, machine);
  }

  private anyClockError(): number {
    return this.random.chance(0.5) ? 0 : (this.random.fraction() - 0.5) * 30 * 24 * HOUR_MS;
  }
}

function diskOf(number: number): MachineDisk {
  return { machineId: `01900000-0000-7000-8000-00000000000${number}` as PeerId, unpublished: [] };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

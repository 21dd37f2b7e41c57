// A broker and its hosts as a map of objects, with a clock of its own, and machines that take one step at a time.
import { strict as assert } from 'node:assert';
import { createHmac } from 'node:crypto';
import { formatTime, type ListedObject, type ObjectId, ProtocolError, uuidV7 } from '#protocol';
import type { ChunkLocation } from '../../chunk-index.js';
import {
  CHUNK_OVERHEAD_BYTES,
  type ChunkEntry,
  FIRST_CHUNK_OFFSET,
  type ObjectKind,
} from '../../objects/object-codec.js';
import type { AccountStore, Deletion, StoredChunks } from '../account-store.js';
import { decodeNotice } from '../notice-codec.js';
import type { Seeded } from './seeded.js';

export interface SimulatedObject {
  readonly objectId: ObjectId;
  readonly kind: ObjectKind;
  readonly createdMs: number;
  readonly createdAt: string;
  readonly entries: readonly ChunkEntry[];
  readonly plaintexts: readonly Buffer[];
}

/** A machine that was switched off: nothing catches this. */
export class Crash extends Error {}

/** Which kinds of notice a process does not see: to show that the test finds what then goes wrong. */
export interface Blindness {
  readonly marks?: (objectId: ObjectId) => boolean;
  readonly holds?: boolean;
  /** What an index says of an object is taken for true: nobody asks whether it can be had, or looks at what came. */
  readonly proof?: boolean;
}

const knownIds = new Map<string, Buffer>();

export function chunkIdOf(plaintext: Uint8Array): Buffer {
  const text = Buffer.from(plaintext).toString('latin1');
  let id = knownIds.get(text);
  if (id === undefined) {
    id = createHmac('sha256', 'simulated').update(plaintext).digest();
    if (text.length < 16) knownIds.set(text, id);
  }
  return id;
}

export class SimulatedBroker {
  /** What is listed. */
  readonly listed = new Map<ObjectId, SimulatedObject>();
  /** On hosts, and the broker has not heard of it. */
  readonly unheard = new Map<ObjectId, SimulatedObject & { readonly machine: SimulatedMachine }>();
  private readonly deleted = new Set<ObjectId>();
  private readonly parked = new Map<SimulatedMachine, { go: () => void; crash: () => void }>();
  private readonly asleepUntil = new WeakMap<SimulatedMachine, number>();
  private sorted: readonly SimulatedObject[] | null = null;
  /** Listed, and of their hosts too few are there. */
  readonly away = new Set<ObjectId>();
  steps = 0;

  constructor(
    readonly random: Seeded,
    public nowMs: number,
  ) {}

  /** Let processes run until all have ended, one step at a time, in an order and with a time that the seed decides. */
  async run(processes: readonly Promise<void>[], crashes: number): Promise<void> {
    let running = processes.length;
    for (const process of processes) void process.finally(() => running--).catch(() => undefined);
    while (running > 0) {
      // Every process comes to its next step, or to its end, by promises alone.
      for (let turns = 0; turns < 400 && this.parked.size < running; turns++) await Promise.resolve();
      if (running === 0) break;
      assert.equal(this.parked.size, running, 'a process waits for something else than a step');
      this.steps++;
      this.passTime();
      this.hearOfSomething();
      const [machine, { go, crash }] = this.random.pick(this.awake());
      this.parked.delete(machine);
      if (this.random.chance(0.02)) this.asleepUntil.set(machine, this.steps + this.random.below(60));
      if (this.random.fraction() < crashes) crash();
      else go();
    }
  }

  /** The process of a machine waits here until it is its turn. Without a scheduler running, it is always. */
  step(machine: SimulatedMachine): Promise<void> {
    return new Promise((resolve, reject) => {
      this.parked.set(machine, { go: resolve, crash: () => reject(new Crash()) });
    });
  }

  hear(objectId: ObjectId): void {
    const object = this.unheard.get(objectId);
    if (object === undefined) return;
    this.unheard.delete(objectId);
    if (this.deleted.has(objectId)) return;
    this.listed.set(objectId, object);
    this.sorted = null;
  }

  /** What is listed, by id. */
  get inOrder(): readonly SimulatedObject[] {
    this.sorted ??= [...this.listed.values()].sort((left, right) => (left.objectId < right.objectId ? -1 : 1));
    return this.sorted;
  }

  delete(objectId: ObjectId): void {
    this.sorted = null;
    this.listed.delete(objectId);
    this.deleted.add(objectId);
  }

  /** Laptops are closed for a while; somebody is always awake. */
  private awake(): (readonly [SimulatedMachine, { go: () => void; crash: () => void }])[] {
    const parked = [...this.parked];
    const awake = parked.filter(([machine]) => (this.asleepUntil.get(machine) ?? 0) <= this.steps);
    return awake.length > 0 ? awake : parked;
  }

  private passTime(): void {
    const { random } = this;
    if (random.chance(0.95)) this.nowMs += random.below(60_000);
    else this.nowMs += random.below(random.pick([3, 30, 3 * 24]) * 3_600_000);
  }

  /** Hosts tell the broker what they have, in their own time. */
  private hearOfSomething(): void {
    if (this.unheard.size > 0 && this.random.chance(0.05)) this.hear(this.random.pick([...this.unheard.keys()]));
  }
}

export const atOnce = (): Promise<void> => Promise.resolve();

/** The store of one process on one machine; what the machine remembers is kept by whoever makes processes. */
export class SimulatedMachine implements AccountStore {
  private answeredMs: number;

  constructor(
    readonly broker: SimulatedBroker,
    /** By how much its own clock is wrong, which shows in the ids it makes. */
    private readonly clockErrorMs: number,
    private readonly faults: { readonly unreachable: number } = { unreachable: 0 },
    public blind: Blindness = {},
    /** What happens before each request: waits for a turn, or for what a test wants to come first. */
    private readonly beforeRequest: (request: string, machine: SimulatedMachine) => Promise<void> = (
      _request,
      machine,
    ) => broker.step(machine),
  ) {
    this.answeredMs = broker.nowMs;
  }

  nowMs(): number {
    const { random, nowMs } = this.broker;
    return this.answeredMs + Math.floor(random.fraction() * (nowMs - this.answeredMs));
  }

  async list(kind: ObjectKind | null): Promise<ListedObject[]> {
    const all: ListedObject[] = [];
    let after = '';
    for (;;) {
      const page = await this.ask(`list ${kind ?? 'all'}`, () => {
        const rest = this.broker.inOrder.filter((one) => one.objectId > after && (kind === null || one.kind === kind));
        return { objects: rest.slice(0, PAGE_OBJECTS), isLast: rest.length <= PAGE_OBJECTS };
      });
      all.push(...page.objects.filter((object) => !this.isHidden(object)).map(describe));
      if (page.isLast) return all;
      after = page.objects.at(-1)!.objectId;
    }
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }

  /** Takes no step: what a prune asks and then reads it may also read at once. */
  present(objectIds: readonly ObjectId[]): Promise<ReadonlySet<ObjectId>> {
    const { listed, away } = this.broker;
    const isPresent = (id: ObjectId): boolean => this.blind.proof === true || (listed.has(id) && !away.has(id));
    return Promise.resolve(new Set(objectIds.filter(isPresent)));
  }

  async open(objectId: ObjectId): Promise<StoredChunks> {
    const { kind, entries } = await this.ask('get', () => this.have(objectId));
    return { objectId, kind, entries };
  }

  /** Out of what `open` fetched, in most cases; so it takes no step, and finds what was deleted meanwhile. */
  chunk({ objectId, entry }: ChunkLocation): Promise<Buffer> {
    return Promise.resolve().then(() => {
      if (this.blind.proof === true) return this.find(objectId).plaintexts[entry.index]!;
      const plaintext = this.have(objectId).plaintexts[entry.index];
      if (plaintext !== undefined && chunkIdOf(plaintext).equals(entry.chunkId)) return plaintext;
      throw new ProtocolError('object_damaged', { objectId });
    });
  }

  async store(kind: ObjectKind, plaintexts: readonly Uint8Array[]): Promise<StoredChunks> {
    const { random } = this.broker;
    const objectId = uuidV7<ObjectId>(
      Math.max(0, Math.floor(this.broker.nowMs + this.clockErrorMs)),
      Buffer.from(Array.from({ length: 10 }, () => random.below(256))),
    );
    const createdMs = await this.ask(`begin ${kind}`, () => this.broker.nowMs);
    const entries = entriesOf(plaintexts);
    await this.ask(`put ${kind}`, () => {
      const copies = plaintexts.map((plaintext) => Buffer.from(plaintext));
      const { broker } = this;
      const createdAt = formatTime(createdMs);
      broker.unheard.set(objectId, {
        objectId,
        kind,
        createdMs,
        createdAt,
        entries,
        plaintexts: copies,
        machine: this,
      });
    });
    return { objectId, kind, entries };
  }

  async settle(): Promise<void> {
    await this.ask('report', () => {
      for (const { objectId, machine } of this.broker.unheard.values()) {
        if (machine === this) this.broker.hear(objectId);
      }
    });
  }

  async delete(objectIds: readonly ObjectId[]): Promise<Deletion> {
    for (const objectId of objectIds)
      await this.ask(`delete ${this.broker.listed.get(objectId)?.kind}`, () => this.broker.delete(objectId));
    return { deleted: [...objectIds], pending: 0, retained: [] };
  }

  /** Of an object that its hosts give. */
  private have(objectId: ObjectId): SimulatedObject {
    if (this.broker.away.has(objectId)) throw new ProtocolError('object_unavailable', { objectId });
    return this.find(objectId);
  }

  private find(objectId: ObjectId): SimulatedObject {
    const object = this.broker.listed.get(objectId);
    if (object === undefined) throw new ProtocolError('object_unknown', { objectId });
    return object;
  }

  /** A request: perhaps it never comes, perhaps its answer does not. */
  private async ask<T>(request: string, answer: () => T): Promise<T> {
    const { broker, faults } = this;
    await this.beforeRequest(request, this);
    const isLost = broker.random.chance(faults.unreachable);
    if (isLost && broker.random.chance(0.5)) throw new ProtocolError('broker_unreachable');
    const answered = answer();
    this.answeredMs = broker.nowMs;
    if (isLost) throw new ProtocolError('broker_unreachable');
    return answered;
  }

  private isHidden({ objectId, kind, plaintexts }: SimulatedObject): boolean {
    if (kind !== 'notice' || (this.blind.marks === undefined && this.blind.holds !== true)) return false;
    const { notice } = decodeNotice(plaintexts[0]!);
    return notice === 'hold' ? this.blind.holds === true : this.blind.marks?.(objectId) === true;
  }
}

/** Small, so that what happens between two pages happens. */
const PAGE_OBJECTS = 9;

function describe({ objectId, kind, createdAt, entries }: SimulatedObject): ListedObject {
  const last = entries.at(-1)!;
  return {
    objectId,
    kind,
    sizeBytes: last.offset + last.storedBytes,
    dataShards: 1,
    totalShards: 1,
    storedShards: 1,
    createdAt,
  };
}

function entriesOf(plaintexts: readonly Uint8Array[]): ChunkEntry[] {
  let offset = FIRST_CHUNK_OFFSET;
  return plaintexts.map((plaintext, index) => {
    const storedBytes = plaintext.length + CHUNK_OVERHEAD_BYTES;
    const entry = { chunkId: chunkIdOf(plaintext), index, offset, storedBytes, rawBytes: plaintext.length };
    offset += storedBytes;
    return entry;
  });
}

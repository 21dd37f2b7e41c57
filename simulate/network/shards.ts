// Every shard of every object that is followed: where it is, what is true of it, and what the broker believes.
import { strict as assert } from 'node:assert';
import type { Code } from '../options.js';

/** What is true. `gone`: there is no such shard; `rotten`, `dropped`: its host has no longer what it took. */
export const CONDITION = { gone: 0, good: 1, rotten: 2, dropped: 3 } as const;
/** Of an object. */
export const PHASE = { calm: 0, waiting: 1, working: 2, lost: 3 } as const;

export const NO_HOST = -1;
const NO_SLOT = -1;

/** A slot is an object's place for one shard: object * totalShards + index. */
export class Shards {
  readonly host: Int32Array;
  readonly condition: Uint8Array;
  /** The broker counts on it: 1 or 0. */
  readonly isBelieved: Uint8Array;
  /** Of an object: shards that are good, and those that the broker counts on. */
  readonly intact: Uint16Array;
  readonly believed: Uint16Array;
  readonly phase: Uint8Array;
  /** Objects that have so many good shards. */
  readonly objectsByIntact: Float64Array;
  readonly heldBy: Int32Array;
  /** Of a peer: shards that it took and has no longer, and knows. */
  readonly droppedBy: Int32Array;
  readonly rottenAt: Int32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly firstOf: Int32Array;

  constructor(
    readonly objects: number,
    readonly code: Code,
    peers: number,
  ) {
    const slots = objects * code.totalShards;
    this.host = new Int32Array(slots).fill(NO_HOST);
    this.condition = new Uint8Array(slots);
    this.isBelieved = new Uint8Array(slots);
    this.next = new Int32Array(slots).fill(NO_SLOT);
    this.previous = new Int32Array(slots).fill(NO_SLOT);
    this.intact = new Uint16Array(objects);
    this.believed = new Uint16Array(objects);
    this.phase = new Uint8Array(objects);
    this.objectsByIntact = new Float64Array(code.totalShards + 1);
    this.objectsByIntact[0] = objects;
    this.firstOf = new Int32Array(peers).fill(NO_SLOT);
    this.heldBy = new Int32Array(peers);
    this.droppedBy = new Int32Array(peers);
    this.rottenAt = new Int32Array(peers);
  }

  objectOf(slot: number): number {
    return Math.floor(slot / this.code.totalShards);
  }

  slotsOf(object: number): number[] {
    const { totalShards } = this.code;
    const slots: number[] = [];
    for (let slot = object * totalShards; slots.length < totalShards; slot++) slots.push(slot);
    return slots;
  }

  /** All that a peer is listed for, in one array: the caller may move shards while it goes through them. */
  heldSlots(peer: number): Int32Array {
    const slots = new Int32Array(this.heldBy[peer]!);
    let count = 0;
    for (let slot = this.firstOf[peer]!; slot !== NO_SLOT; slot = this.next[slot]!) slots[count++] = slot;
    assert(count === slots.length);
    return slots;
  }

  /** A host takes a shard, and the broker knows it. */
  put(slot: number, peer: number, condition: number): void {
    assert(this.host[slot] === NO_HOST);
    const first = this.firstOf[peer]!;
    this.next[slot] = first;
    this.previous[slot] = NO_SLOT;
    if (first !== NO_SLOT) this.previous[first] = slot;
    this.firstOf[peer] = slot;
    this.host[slot] = peer;
    this.heldBy[peer]! += 1;
    this.turn(slot, condition);
    this.believe(slot, true);
  }

  /** The host has it no longer, and is not listed for it; what the broker believes stays. */
  take(slot: number): void {
    const peer = this.host[slot]!;
    assert(peer !== NO_HOST);
    this.turn(slot, CONDITION.gone);
    const [previous, next] = [this.previous[slot]!, this.next[slot]!];
    if (previous === NO_SLOT) this.firstOf[peer] = next;
    else this.next[previous] = next;
    if (next !== NO_SLOT) this.previous[next] = previous;
    this.host[slot] = NO_HOST;
    this.heldBy[peer]! -= 1;
  }

  /** What is true of a shard changes while it lies at its host. */
  turn(slot: number, condition: number): void {
    const before = this.condition[slot]!;
    const peer = this.host[slot]!;
    this.condition[slot] = condition;
    if (before === CONDITION.dropped) this.droppedBy[peer]! -= 1;
    if (before === CONDITION.rotten) this.rottenAt[peer]! -= 1;
    if (condition === CONDITION.dropped) this.droppedBy[peer]! += 1;
    if (condition === CONDITION.rotten) this.rottenAt[peer]! += 1;
    const change = Number(condition === CONDITION.good) - Number(before === CONDITION.good);
    if (change === 0) return;
    const object = this.objectOf(slot);
    this.objectsByIntact[this.intact[object]!]! -= 1;
    this.intact[object]! += change;
    this.objectsByIntact[this.intact[object]!]! += 1;
  }

  isGood(slot: number): boolean {
    return this.condition[slot] === CONDITION.good;
  }

  believe(slot: number, isThere: boolean): void {
    const change = Number(isThere) - this.isBelieved[slot]!;
    this.isBelieved[slot] = Number(isThere);
    this.believed[this.objectOf(slot)]! += change;
  }
}

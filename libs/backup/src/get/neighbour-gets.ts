// Shards from the local network first (T1, T4, T5): neighbours are asked for objects ahead of their turn, what comes is kept
// for the next of them, and how much came by which way is counted.
import type { LanProgress, NeighbourGet } from '#peer-link';
import type { Clock } from '#process';
import type { ContentId, ErrorCode, ObjectId, ObjectToGet } from '#protocol';
import type { NeighboursPort, OnEvent } from '../ports.js';

/** Bytes of shards that came, by the way that they took. */
export interface FetchedBytes {
  lan: number;
  direct: number;
  relay: number;
}

/** How often it is written down how far a fetch has come. */
const TOLD_MS = 1_000;

export interface NeighbourGetsOptions {
  /** Null where neighbours are not asked. */
  readonly neighbours: NeighboursPort | null;
  readonly clock: Clock;
  readonly onEvent: OnEvent;
}

export class NeighbourGets {
  readonly fetched: FetchedBytes = { lan: 0, direct: 0, relay: 0 };
  private asked = new Map<ObjectId, Promise<NeighbourGet[]>>();

  constructor(private readonly options: NeighbourGetsOptions) {}

  /** Ask for objects that will be fetched soon, so that nobody waits for each of them in turn. */
  announce(objects: Iterable<ObjectToGet>, signal: AbortSignal): void {
    this.asked = new Map();
    if (this.options.neighbours === null) return;
    for (const object of objects) {
      const finding = this.find(object, signal);
      // Whoever fetches the object has the error.
      finding.catch(() => undefined);
      this.asked.set(object.objectId, finding);
    }
  }

  /** Who has what of an object; none where neighbours are not asked. throws interrupted */
  async of(object: ObjectToGet, signal: AbortSignal): Promise<NeighbourGet[]> {
    const asked = this.asked.get(object.objectId);
    this.asked.delete(object.objectId);
    return asked ?? this.find(object, signal);
  }

  /** A neighbour that was approved did not give what it offered. */
  failed(get: NeighbourGet, code: ErrorCode): void {
    this.options.neighbours?.failed(get, code);
    this.options.onEvent({ kind: 'note', detail: `neighbour ${get.host.peerId} did not give a shard: ${code}` });
  }

  /** A shard has come. */
  came(cid: ContentId, bytes: Buffer, way: keyof FetchedBytes): void {
    this.fetched[way] += bytes.length;
    this.options.neighbours?.keep(cid, bytes);
  }

  /** Write down how far a fetch has come, for neighbours that would wait for it; `end` when it is over. */
  watch(cid: ContentId, totalBytes: number): { moved(bytes: number): void; end(): void } {
    const { neighbours, clock } = this.options;
    if (neighbours === null) return { moved: () => undefined, end: () => undefined };
    let doneBytes = 0;
    let toldMs = clock.monotonicMs();
    neighbours.noteProgress(cid, { doneBytes, totalBytes });
    const moved = (bytes: number): void => {
      doneBytes = Math.min(doneBytes + bytes, totalBytes);
      const nowMs = clock.monotonicMs();
      if (nowMs - toldMs < TOLD_MS) return;
      toldMs = nowMs;
      neighbours.noteProgress(cid, { doneBytes, totalBytes });
    };
    return { moved, end: () => neighbours.noteProgress(cid, null) };
  }

  private async find(object: ObjectToGet, signal: AbortSignal): Promise<NeighbourGet[]> {
    const { objectId, permissions, dataShards } = object;
    const { neighbours } = this.options;
    if (neighbours === null) return [];
    const onProgress = (progress: LanProgress): void => this.tellProgress(progress);
    return neighbours.find({ objectId, permissions, enough: dataShards, onProgress }, signal);
  }

  private tellProgress({ peerId, doneBytes, totalBytes }: LanProgress): void {
    const percent = totalBytes === 0 ? 0 : Math.floor((100 * doneBytes) / totalBytes);
    this.options.onEvent({ kind: 'note', detail: `neighbour ${peerId} is downloading a shard: ${percent}%` });
  }
}

// One call of the engine: what it reads and writes with, its own view of which hosts are bad, and its reports at the end.

import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { PutWish } from '#broker-api';
import {
  type ErrorCode,
  formatTime,
  isRefusal,
  type ListedObject,
  type ObjectId,
  type PeerId,
  type ProtocolError,
  uuidV7,
} from '#protocol';
import type { Retention } from './backup/retention.js';
import { ObjectDeleter } from './delete/object-deleter.js';
import type { EngineParts } from './engine-parts.js';
import { ObjectCache } from './get/object-cache.js';
import { ObjectFetcher } from './get/object-fetcher.js';
import { TreeReader } from './get/tree-reader.js';
import type { DataKeys } from './keys.js';
import type { OnEvent } from './ports.js';
import { findLiveChunks } from './prune/live-chunks.js';
import { NetworkStore } from './prune/network-store.js';
import { ObjectUploader } from './put/object-uploader.js';
import { EVERY_SNAPSHOT, filterSnapshots, type SnapshotFilter } from './snapshots/filter-snapshots.js';
import { findSnapshot } from './snapshots/find-snapshot.js';
import { readSnapshots, type StoredSnapshot } from './snapshots/list-snapshots.js';
import { learnMissing, listEveryObject, syncCache } from './snapshots/sync-cache.js';

/** A call that can be stopped, and tells what happens. */
export interface Running {
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

/** A snapshot as a person names it: an id, a part of one, or `latest` among those that pass the filter. */
export interface WantedSnapshot {
  readonly snapshot: string;
  readonly filter?: SnapshotFilter;
}

/** Snapshots as a person names them; none: all that pass the filter. */
export interface WantedSnapshots {
  readonly snapshots: readonly string[];
  readonly filter: SnapshotFilter;
}

/** What a call reads with. */
export interface Reading {
  readonly keys: DataKeys;
  readonly fetcher: ObjectFetcher;
  readonly objects: ObjectCache;
  readonly trees: TreeReader;
  readonly badHosts: ReadonlyMap<PeerId, ErrorCode>;
}

export class EngineCall {
  readonly reading: Reading;

  constructor(
    private readonly parts: EngineParts,
    private readonly running: Running,
  ) {
    // Every transfer under way listens; the pools bound how many there are, and all let go at their end.
    setMaxListeners(0, running.signal);
    const { keys, cache, local } = parts;
    parts.tellAway?.(running.onEvent);
    const fetcher = new ObjectFetcher({ ...parts, onEvent: running.onEvent });
    const objects = new ObjectCache(keys, fetcher, local);
    this.reading = { keys, fetcher, objects, trees: new TreeReader(cache.index, objects), badHosts: fetcher.badHosts };
  }

  /** Everything that the account has stored; the cache is as the broker's list says afterwards. */
  async sync(): Promise<ListedObject[]> {
    const { signal, onEvent } = this.running;
    // The broker lists what it knows to be stored: it must have heard of the last run first.
    await this.parts.outbox.flush(signal);
    return syncCache({ ...this.parts, ...this.reading, onEvent }, signal);
  }

  /** Every object, and every snapshot that can be read. */
  async account(): Promise<{ listed: ListedObject[]; snapshots: StoredSnapshot[] }> {
    const listed = await this.sync();
    return { listed, snapshots: await this.snapshotsIn(listed) };
  }

  /** The snapshots of a list, oldest first; those that cannot be read are told. Needs no cache. */
  snapshotsIn(listed: readonly ListedObject[]): Promise<StoredSnapshot[]> {
    return readSnapshots(this.reading, listed, this.running.signal, this.tellLost);
  }

  /** throws snapshot_unknown | as a loss of data does */
  async find({ snapshot, filter = EVERY_SNAPSHOT }: WantedSnapshot): Promise<StoredSnapshot> {
    const listed = await this.sync();
    const found = await this.findIn(listed, { snapshot, filter });
    await this.learnMissing(listed, [found]);
    return found;
  }

  /** See that everything that these snapshots need is known, if it is stored at all. */
  async learnMissing(listed: readonly ListedObject[], snapshots: readonly StoredSnapshot[]): Promise<void> {
    const { signal, onEvent } = this.running;
    const parts = { ...this.parts, ...this.reading, onEvent };
    const find = () => findLiveChunks({ ...this.reading, index: this.parts.cache.index }, snapshots, signal);
    await learnMissing(parts, listed, find, signal);
  }

  findIn(
    listed: readonly ListedObject[],
    { snapshot, filter = EVERY_SNAPSHOT }: WantedSnapshot,
  ): Promise<StoredSnapshot> {
    return findSnapshot(this.reading, { snapshot, filter, listed }, this.running.signal, this.tellLost);
  }

  /** Each snapshot once, in the order of their names, or oldest first. */
  async choose(wanted: WantedSnapshots): Promise<{ listed: ListedObject[]; snapshots: StoredSnapshot[] }> {
    if (wanted.snapshots.length === 0) {
      const { listed, snapshots } = await this.account();
      return { listed, snapshots: filterSnapshots(snapshots, wanted.filter) };
    }
    const listed = await this.sync();
    const named = new Map<ObjectId, StoredSnapshot>();
    for (const snapshot of wanted.snapshots) {
      const stored = await this.findIn(listed, { snapshot, filter: wanted.filter });
      named.set(stored.id, stored);
    }
    return { listed, snapshots: [...named.values()] };
  }

  /** Every object as the broker lists it, without a look at the cache. */
  list(): Promise<ListedObject[]> {
    return listEveryObject(this.parts.broker, this.running.signal);
  }

  /** The account as prunes see it, read anew. */
  accountStore(): NetworkStore {
    const fresh = new EngineCall(this.parts, this.running);
    const made = { uploader: this.uploader(), deleter: this.deleter(), randomBytes, newObjectId: this.newObjectId };
    return new NetworkStore({ ...this.parts, ...fresh.reading, ...made });
  }

  uploader(retention?: Retention, wanted: PutWish = {}): ObjectUploader {
    const kept = retention === undefined ? {} : { retainUntil: formatTime(retention.putUntilMs) };
    return new ObjectUploader({ ...this.transferring(), ...kept, wanted });
  }

  deleter(): ObjectDeleter {
    return new ObjectDeleter(this.transferring());
  }

  /** What every transfer needs. */
  transferring(): Pick<EngineParts, 'broker' | 'hosts' | 'outbox' | 'clock' | 'uploadLimit'> & {
    nowMs: () => number;
    onEvent: OnEvent;
  } {
    const { broker, hosts, outbox, clock, uploadLimit } = this.parts;
    const limit = uploadLimit === undefined ? {} : { uploadLimit };
    return { broker, hosts, outbox, clock, nowMs: () => clock.nowMs(), onEvent: this.running.onEvent, ...limit };
  }

  readonly newObjectId = (): ObjectId => uuidV7<ObjectId>(this.parts.clock.nowMs(), randomBytes(10));

  readonly tellLost = (id: ObjectId, { code, message }: ProtocolError): void => {
    this.running.onEvent({ kind: 'warning', code, detail: `snapshot ${id} cannot be read: ${message}` });
  };

  /** Do the work of the call, and tell the broker of its transfers whatever becomes of it. */
  async reporting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      await this.sendReports();
    }
  }

  /**
   * Reports that cannot be sent now wait in the outbox for the next run.
   *
   * refusedBefore  receipts that were refused before what this is about
   * returns        whether all were sent and taken
   */
  async sendReports(refusedBefore = 0): Promise<boolean> {
    const { outbox } = this.parts;
    const { onEvent } = this.running;
    try {
      await outbox.flush();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      onEvent({ kind: 'warning', code: error.code, detail: 'reports wait until the broker answers' });
      return false;
    }
    const refused = outbox.refusedReceipts - refusedBefore;
    if (refused === 0) return true;
    const detail = `the broker did not take ${refused} receipts: back up again`;
    onEvent({ kind: 'warning', code: 'receipt_invalid', detail });
    return false;
  }
}

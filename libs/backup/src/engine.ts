// The backup engine: everything a backup program needs, as a library. It prints nothing and knows no command line.
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokerClient } from '#broker-api';
import type { PeerHome } from '#peer-home';
import { PeerLink } from '#peer-link';
import type { Clock, Log } from '#process';
import { type ErrorCode, isRefusal, type ObjectId, type PeerId, type ProtocolError, uuidV7 } from '#protocol';
import { type BackupSummary, runBackup } from './backup/run-backup.js';
import { type CheckSummary, runCheck } from './check/run-check.js';
import { ChunkIndexFile } from './chunk-index-file.js';
import { ObjectCache } from './get/object-cache.js';
import { ObjectFetcher } from './get/object-fetcher.js';
import { TreeReader } from './get/tree-reader.js';
import { type DataKeys, deriveDataKeys } from './keys.js';
import type { BrokerPort, HostsPort, OnEvent } from './ports.js';
import { ObjectUploader } from './put/object-uploader.js';
import { ReportOutbox } from './put/report-outbox.js';
import { type RestoreSummary, runRestore } from './restore/run-restore.js';
import { readSnapshot, readSnapshots, resolveSnapshot, type StoredSnapshot } from './snapshots/list-snapshots.js';
import { listEveryObject, syncCache } from './snapshots/sync-cache.js';
import type { TreeEntry } from './trees/tree-codec.js';

export interface EngineOptions {
  readonly home: PeerHome;
  readonly clock: Clock;
  readonly log: Log;
}

/** A call that can be stopped, and tells what happens. */
export interface Running {
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface ListedEntry {
  readonly path: string;
  readonly entry: TreeEntry;
}

/**
 * One engine per process and home: whoever opens it holds the home's lock. Calls run one at a time.
 *
 * All methods throw ProtocolError for what can go wrong outside: broker_unreachable, not_enough_hosts, interrupted, ...
 */
export class BackupEngine {
  private constructor(
    private readonly parts: {
      readonly keys: DataKeys;
      readonly cache: ChunkIndexFile;
      readonly outbox: ReportOutbox;
      readonly broker: BrokerPort;
      readonly hosts: HostsPort;
      readonly clock: Clock;
      readonly closeLinks: () => Promise<void>;
    },
  ) {}

  /** throws master_key_missing | secret_file_exposed | local_disk */
  static async open({ home, clock, log }: EngineOptions): Promise<BackupEngine> {
    const keys = deriveDataKeys(await home.masterKey());
    const folder = join(home.path, 'client');
    await mkdir(join(folder, 'cache'), { recursive: true, mode: 0o700 });
    const broker = new BrokerClient({ home, clock, log });
    const hosts = new PeerLink({ home, clock, log });
    const cache = await ChunkIndexFile.open({ path: join(folder, 'cache', 'chunks.index'), cacheKey: keys.cacheKey });
    if (cache.opening === 'set_aside') log.warn({ event: 'cache_set_aside' });
    const outbox = await ReportOutbox.open(join(folder, 'reports.jsonl'), broker);
    const closeLinks = async (): Promise<void> => {
      await Promise.all([broker.close(), hosts.close()]);
    };
    return new BackupEngine({ keys, cache, outbox, broker, hosts, clock, closeLinks });
  }

  /**
   * Back up folders and files; resolves when the snapshot is safe on its hosts. `reported` is false when the broker has
   * not heard all of it from this machine yet: until it does, by the next command or by the hosts, no other machine
   * sees the snapshot.
   */
  async backup(
    request: Running & { paths: readonly string[]; excludes: readonly string[] },
  ): Promise<BackupSummary & { readonly reported: boolean }> {
    const { broker, hosts, outbox, clock } = this.parts;
    const { onEvent } = request;
    const reading = this.reading(request);
    await this.sync(reading, request);
    const uploader = new ObjectUploader({ broker, hosts, outbox, nowMs: () => clock.nowMs(), onEvent });
    const parts = { ...this.parts, uploader, randomBytes, newObjectId: () => this.newObjectId() };
    const summary = await runBackup(parts, request).catch(async (error: unknown) => {
      await this.sendReports(onEvent);
      throw error;
    });
    return { ...summary, reported: await this.sendReports(onEvent) };
  }

  async snapshots(running: Running): Promise<StoredSnapshot[]> {
    const reading = this.reading(running);
    const listed = await listEveryObject(this.parts.broker, running.signal);
    return readSnapshots(reading, listed, running.signal, (id, failure) => tellLost(running, id, failure));
  }

  /** Tell every entry of a snapshot, depth first. */
  async list(wanted: string, running: Running, onEntry: (entry: ListedEntry) => void): Promise<StoredSnapshot> {
    const reading = this.reading(running);
    const listed = await this.sync(reading, running);
    const stored = await readSnapshot(reading, resolveSnapshot(listed, wanted), running.signal);
    for await (const next of reading.trees.walk(stored.snapshot.root, () => true, running.signal)) {
      if (next.step === 'lost') throw next.failure;
      if (next.step === 'leave') continue;
      const { parents, entry } = next;
      onEntry({ path: [...parents, entry.name].map((name) => Buffer.from(name).toString()).join('/'), entry });
    }
    return stored;
  }

  /** Restore a snapshot, or what `includes` chooses of it, into a new or empty folder. */
  async restore(
    request: Running & { snapshot: string; target: string; includes: readonly string[] },
  ): Promise<RestoreSummary & { readonly snapshotId: ObjectId }> {
    const reading = this.reading(request);
    const listed = await this.sync(reading, request);
    const { id, snapshot } = await readSnapshot(reading, resolveSnapshot(listed, request.snapshot), request.signal);
    try {
      return { ...(await runRestore({ ...this.parts, ...reading }, { ...request, snapshot })), snapshotId: id };
    } finally {
      await this.sendReports(request.onEvent);
    }
  }

  /** Check that every snapshot can be restored; with `readData`, by reading every stored byte. */
  async check(request: Running & { readData: boolean }): Promise<CheckSummary> {
    const reading = this.reading(request);
    const listed = await this.sync(reading, request);
    const lostSnapshots: ObjectId[] = [];
    const snapshots = await readSnapshots(reading, listed, request.signal, (id, failure) => {
      lostSnapshots.push(id);
      tellLost(request, id, failure);
    });
    try {
      return await runCheck({ ...this.parts, ...reading }, { ...request, snapshots, lostSnapshots, listed });
    } finally {
      await this.sendReports(request.onEvent);
    }
  }

  async close(): Promise<void> {
    await this.parts.cache.close();
    await this.parts.outbox.close();
    await this.parts.closeLinks();
  }

  private async sync(
    reading: { objects: ObjectCache },
    { signal, onEvent }: Running,
  ): ReturnType<typeof listEveryObject> {
    // The broker lists what it knows to be stored: it must have heard of the last run first.
    await this.parts.outbox.flush(signal);
    return syncCache({ ...this.parts, ...reading, onEvent }, signal);
  }

  /** What one call reads with: its own view of which hosts are bad, and its own objects in memory. */
  private reading({ onEvent, signal }: Running): {
    keys: DataKeys;
    fetcher: ObjectFetcher;
    objects: ObjectCache;
    trees: TreeReader;
    badHosts: ReadonlyMap<PeerId, ErrorCode>;
  } {
    // Every transfer under way listens; the pools bound how many there are, and all let go at their end.
    setMaxListeners(0, signal);
    const { keys, cache } = this.parts;
    const fetcher = new ObjectFetcher({ ...this.parts, onEvent });
    const objects = new ObjectCache(keys, fetcher);
    return { keys, fetcher, objects, trees: new TreeReader(cache.index, objects), badHosts: fetcher.badHosts };
  }

  /** Reports that cannot be sent now wait in the outbox for the next run. Returns whether all were sent and taken. */
  private async sendReports(onEvent: OnEvent): Promise<boolean> {
    const { outbox } = this.parts;
    try {
      await outbox.flush();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      onEvent({ kind: 'warning', code: error.code, detail: 'reports wait until the broker answers' });
      return false;
    }
    if (outbox.refusedReceipts === 0) return true;
    const detail = `the broker did not take ${outbox.refusedReceipts} receipts: back up again`;
    onEvent({ kind: 'warning', code: 'receipt_invalid', detail });
    return false;
  }

  private newObjectId(): ObjectId {
    return uuidV7<ObjectId>(this.parts.clock.nowMs(), randomBytes(10));
  }
}

function tellLost({ onEvent }: Running, id: ObjectId, { code, message }: ProtocolError): void {
  onEvent({ kind: 'warning', code, detail: `snapshot ${id} cannot be read: ${message}` });
}

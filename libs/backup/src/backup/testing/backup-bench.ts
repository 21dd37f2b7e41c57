// Backups without a network, for tests: hosts in memory that take everything, and the local objects to read from.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FakeClock, openLog } from '#process';
import { formatTime, type ListedObject, type ObjectId, type PeerId, ProtocolError, uuidV7 } from '#protocol';
import { ChunkIndexFile } from '../../chunk-index-file.js';
import { LocalObjects } from '../../get/local-objects.js';
import { ObjectCache } from '../../get/object-cache.js';
import { ObjectFetcher } from '../../get/object-fetcher.js';
import { TreeReader } from '../../get/tree-reader.js';
import { deriveDataKeys } from '../../keys.js';
import type { EngineEvent } from '../../ports.js';
import { ObjectUploader } from '../../put/object-uploader.js';
import { ReportOutbox } from '../../put/report-outbox.js';
import { TestNetwork } from '../../put/testing-network.js';
import { readSnapshot } from '../../snapshots/list-snapshots.js';
import type { Snapshot } from '../../trees/snapshot-codec.js';
import type { TreeEntry } from '../../trees/tree-codec.js';
import type { BackupSummary, BackupWish } from '../backup-request.js';
import { NO_PRUNES, type PruneGuard } from '../prune-guard.js';
import { runBackup } from '../run-backup.js';

const keys = deriveDataKeys(new Uint8Array(32).fill(1));
const BEHIND_MS = 12 * 60 * 60_000;

export class BackupBench {
  readonly network = new TestNetwork(3);
  readonly events: EngineEvent[] = [];
  readonly clock = new FakeClock(Date.now() - BEHIND_MS);
  guard: PruneGuard = NO_PRUNES;
  machineId = uuidV7<PeerId>(1_000, new Uint8Array(10));
  /** What the bench wrote, as its home would know. */
  ownSnapshots: ObjectId[] = [];
  private objectsMade = 0;

  private constructor(
    private readonly folder: string,
    readonly cache: ChunkIndexFile,
    private readonly outbox: ReportOutbox,
    private readonly local: LocalObjects,
  ) {}

  /** folder   an empty one, for the index and the local objects */
  static async open(folder: string): Promise<BackupBench> {
    mkdirSync(folder, { recursive: true });
    const cache = await ChunkIndexFile.open({ path: join(folder, 'chunks.index'), cacheKey: keys.cacheKey });
    const { broker } = new TestNetwork(3);
    const outbox = await ReportOutbox.open(join(folder, 'reports.jsonl'), broker);
    const local = new LocalObjects({
      folder: join(folder, 'objects'),
      cacheKey: keys.cacheKey,
      clock: new FakeClock(0),
      log: openLog('test', 'silent'),
    });
    return new BackupBench(folder, cache, outbox, local);
  }

  get objectsFolder(): string {
    return join(this.folder, 'objects');
  }

  async run(wish: BackupWish, signal = new AbortController().signal): Promise<BackupSummary> {
    const { broker, hosts } = this.network;
    const onEvent = (event: EngineEvent): void => {
      this.events.push(event);
    };
    this.clock.advance(1_000);
    const uploader = new ObjectUploader({
      broker,
      hosts,
      outbox: this.outbox,
      clock: this.clock,
      nowMs: () => 0,
      onEvent,
    });
    const summary = await runBackup(
      {
        keys,
        cache: this.cache,
        objects: this.objects(),
        local: this.local,
        broker,
        uploader,
        guard: this.guard,
        machineId: this.machineId,
        clock: this.clock,
        randomBytes,
        newObjectId: () => uuidV7<ObjectId>(this.clock.nowMs(), this.countedBytes()),
      },
      { ...wish, listed: this.listed(), ownSnapshots: this.ownSnapshots, signal, onEvent },
    );
    if (summary.snapshotId !== null) this.ownSnapshots = [...this.ownSnapshots, summary.snapshotId];
    return summary;
  }

  async snapshot({ snapshotId }: Pick<BackupSummary, 'snapshotId'>): Promise<Snapshot> {
    if (snapshotId === null) throw new ProtocolError('snapshot_unknown');
    return (await readSnapshot({ objects: this.objects(), keys }, snapshotId, new AbortController().signal)).snapshot;
  }

  /** The paths in a snapshot, in its order; folders end with a slash. */
  async pathsOf(summary: BackupSummary): Promise<string[]> {
    return (await this.entriesOf(summary)).map(({ path, entry }) => path + (entry.type === 'dir' ? '/' : ''));
  }

  async entriesOf(summary: BackupSummary): Promise<{ path: string; entry: TreeEntry }[]> {
    const { root } = await this.snapshot(summary);
    const entries: { path: string; entry: TreeEntry }[] = [];
    const reader = new TreeReader(this.cache.index, this.objects());
    for await (const step of reader.walk(root, () => true, new AbortController().signal)) {
      if (step.step !== 'entry') continue;
      const path = [...step.parents, step.entry.name].map((name) => Buffer.from(name).toString()).join('/');
      entries.push({ path, entry: step.entry });
    }
    return entries;
  }

  async close(): Promise<void> {
    await this.cache.close();
    await this.outbox.close();
  }

  private listed(): ListedObject[] {
    return this.network.begun.map(({ objectId, kind, sizeBytes, dataShards, totalShards }) => ({
      objectId,
      kind,
      sizeBytes,
      dataShards,
      totalShards,
      storedShards: totalShards,
      createdAt: formatTime(this.clock.nowMs()),
    }));
  }

  /** Nothing in memory from one call to the next; hosts give nothing back. */
  private objects(): ObjectCache {
    const { broker, hosts } = this.network;
    const fetcher = new ObjectFetcher({
      broker,
      hosts,
      outbox: this.outbox,
      clock: this.clock,
      onEvent: () => undefined,
    });
    return new ObjectCache(keys, fetcher, this.local);
  }

  /** Ids that rise, also within one millisecond. */
  private countedBytes(): Uint8Array {
    const bytes = Buffer.alloc(10);
    bytes.writeUInt32BE(++this.objectsMade, 0);
    return bytes;
  }
}

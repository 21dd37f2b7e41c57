// One backup, from the folders to a snapshot: walk, store files and trees, publish the index, store the snapshot.
import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Clock } from '#process';
import { formatTime, type ObjectId, ProtocolError } from '#protocol';
import type { ChunkIndexFile } from '../chunk-index-file.js';
import { expandGearTable } from '../chunking/fastcdc.js';
import type { SkipReason } from '../files/disk-failure.js';
import type { EntryStat } from '../files/entry-stat.js';
import { compileExcludes } from '../files/path-patterns.js';
import { type WalkEvent, walk } from '../files/walk.js';
import { resolveRoots } from '../files/walk-roots.js';
import type { DataKeys } from '../keys.js';
import type { RandomBytes } from '../objects/shuffle.js';
import type { OnEvent } from '../ports.js';
import { ChunkPacker } from '../put/chunk-packer.js';
import type { ObjectUploader } from '../put/object-uploader.js';
import { encodeSnapshot } from '../trees/snapshot-codec.js';
import { FileStorer } from './file-storer.js';
import { IndexPublisher } from './index-publisher.js';
import { TreeWriter } from './tree-writer.js';

export interface BackupRequest {
  readonly paths: readonly string[];
  readonly excludes: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface BackupSummary {
  readonly snapshotId: ObjectId;
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly sourceBytes: number;
  /** Bytes of chunks that were not stored before, as they were read. */
  readonly newBytes: number;
  /** Bytes that now lie on hosts for this run, redundancy and padding included. */
  readonly storedBytes: number;
  readonly skipped: number;
  readonly objects: number;
  readonly hosts: number;
  readonly seconds: number;
}

export interface BackupParts {
  readonly keys: DataKeys;
  readonly cache: ChunkIndexFile;
  readonly uploader: ObjectUploader;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly newObjectId: () => ObjectId;
}

/**
 * Back up folders. What cannot be read is told, counted and left out; everything else that fails ends the run with its
 * error, and what was stored until then is found again by the next run.
 *
 * throws   path_missing | not_enough_hosts | credit_exceeded | broker_unreachable | interrupted | local_disk | ...
 */
export async function runBackup(parts: BackupParts, request: BackupRequest): Promise<BackupSummary> {
  const roots = resolveRoots(request.paths);
  const omit = compileExcludes(request.excludes);
  const run = new BackupRun(parts, request);
  try {
    const root = await run.storeTree(walk(roots, omit));
    return await run.conclude(root);
  } finally {
    // Nothing of this run may still be sending when the caller closes the cache.
    await run.settle();
  }
}

class BackupRun {
  private readonly packer: ChunkPacker;
  private readonly publisher: IndexPublisher;
  private readonly trees: TreeWriter;
  private readonly files: FileStorer;
  private readonly startedMs: number;
  private readonly counts = { files: 0, directories: 0, symlinks: 0, skipped: 0, objects: 0, storedBytes: 0, bytes: 0 };

  constructor(
    private readonly parts: BackupParts,
    private readonly request: BackupRequest,
  ) {
    this.startedMs = parts.clock.monotonicMs();
    this.packer = new ChunkPacker({
      ...parts,
      signal: request.signal,
      onStored: (_object, stored) => {
        this.counts.objects++;
        this.counts.storedBytes += stored.storedBytes;
        this.tellProgress();
      },
    });
    this.publisher = new IndexPublisher(parts.cache, this.packer);
    const gear = expandGearTable(parts.keys.chunkerKey);
    const storeTree = (plaintext: Buffer): Promise<string> => this.packer.add('tree', plaintext);
    this.trees = new TreeWriter(gear, storeTree);
    this.files = new FileStorer({
      chunkerKey: parts.keys.chunkerKey,
      gear,
      storeData: (plaintext) => this.packer.add('data', plaintext),
      storeTree,
      onBytes: (count) => {
        this.counts.bytes += count;
        this.tellProgress();
      },
    });
  }

  /** Store everything that is walked; returns the chunks of the root's stream. */
  async storeTree(events: AsyncIterable<WalkEvent>): Promise<string[]> {
    let root: string[] | null = null;
    for await (const event of events) {
      if (this.request.signal.aborted) throw new ProtocolError('interrupted');
      root = await this.storeEvent(event);
      if (this.publisher.isDue) await this.publisher.publish();
    }
    if (root === null) throw new ProtocolError('path_missing', {}, { detail: 'the folder cannot be read' });
    return root;
  }

  async conclude(root: readonly string[]): Promise<BackupSummary> {
    const { files, directories, symlinks, skipped, bytes: sourceBytes } = this.counts;
    await this.packer.flush(['data', 'tree']);
    await this.publisher.publish();
    const snapshot = encodeSnapshot({
      time: formatTime(this.parts.clock.nowMs()),
      hostname: hostname(),
      username: userInfo().username,
      paths: this.request.paths.map((path) => resolve(path)),
      root: [...root],
      files,
      directories,
      symlinks,
      skipped,
      sourceBytes,
      addedBytes: this.packer.newBytes,
    });
    await this.packer.add('snapshot', snapshot);
    const [snapshotId] = await this.packer.flush(['snapshot']);
    if (snapshotId === undefined) throw new ProtocolError('internal', {}, { detail: 'the snapshot was stored before' });
    return {
      snapshotId,
      files,
      directories,
      symlinks,
      sourceBytes,
      newBytes: this.packer.newBytes,
      storedBytes: this.counts.storedBytes,
      skipped,
      objects: this.counts.objects,
      hosts: this.parts.uploader.hosts.size,
      seconds: (this.parts.clock.monotonicMs() - this.startedMs) / 1000,
    };
  }

  async settle(): Promise<void> {
    await this.packer.settle();
  }

  /** Returns the root's chunks when the event leaves the root, else null. */
  private async storeEvent(event: WalkEvent): Promise<string[] | null> {
    switch (event.type) {
      case 'enter-dir':
        await this.trees.enterDirectory();
        return null;
      case 'leave-dir': {
        const subtree = await this.trees.leaveDirectory();
        if (event.depth === 0) return subtree;
        if (event.stat !== null) {
          this.counts.directories++;
          await this.trees.addEntry({ type: 'dir', name: event.name, ...metadataOf(event.stat), subtree });
        }
        return null;
      }
      case 'file':
        await this.storeFile(event);
        return null;
      case 'symlink':
        this.counts.symlinks++;
        await this.trees.addEntry({
          type: 'symlink',
          name: event.name,
          ...metadataOf(event.stat),
          linkTarget: event.linkTarget,
        });
        return null;
      case 'skipped':
        this.tellSkipped(event.path, event.reason, event.errno);
        return null;
    }
  }

  private async storeFile(event: WalkEvent & { readonly type: 'file' }): Promise<void> {
    const stored = await this.files.store(event.path, event.stat);
    if (!stored.ok) return this.tellSkipped(event.path, stored.reason, stored.errno);
    if (stored.changed) {
      const detail = `${event.path.toString()}: changed while it was read`;
      this.request.onEvent({ kind: 'warning', code: 'file_changed', detail });
    }
    this.counts.files++;
    await this.trees.addEntry({
      type: 'file',
      name: event.name,
      ...metadataOf(stored.stat),
      sizeBytes: stored.sizeBytes,
      ...stored.content,
    });
    this.tellProgress();
  }

  private tellSkipped(path: Buffer, reason: SkipReason, errno: string): void {
    this.counts.skipped++;
    const because = `${reason.replace('_', ' ')}${errno === '' ? '' : ` (${errno})`}`;
    this.request.onEvent({ kind: 'skipped', path: path.toString(), code: 'file_unreadable', reason: because });
  }

  private tellProgress(): void {
    this.request.onEvent({
      kind: 'progress',
      filesDone: this.counts.files,
      bytesDone: this.counts.bytes,
      bytesTotal: null,
      bytesStored: this.counts.storedBytes,
      hosts: this.parts.uploader.hosts.size,
    });
  }
}

function metadataOf(stat: EntryStat): Pick<EntryStat, 'mode' | 'mtimeNs' | 'uid' | 'gid'> {
  return { mode: stat.mode, mtimeNs: stat.mtimeNs, uid: stat.uid, gid: stat.gid };
}

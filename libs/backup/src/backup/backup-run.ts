// The work of one backup: each walked entry becomes a line of its folder's list, and what is new of it is stored.
import { isDeepStrictEqual } from 'node:util';
import { decodeBase64url, type ErrorCode, type ObjectId, ProtocolError } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import { expandGearTable } from '../chunking/fastcdc.js';
import type { SkipReason } from '../files/disk-failure.js';
import type { EntryStat } from '../files/entry-stat.js';
import type { XattrReader } from '../files/read-xattrs.js';
import type { WalkEvent, WalkPlace } from '../files/walk.js';
import { ChunkPacker } from '../put/chunk-packer.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { EntryMetadata } from '../trees/tree-codec.js';
import { unchangedContent } from '../trees/unchanged-line.js';
import { BackupAccount } from './backup-account.js';
import { type BackupParts, type BackupRequest, putWishOf, type SourceStream } from './backup-request.js';
import { describeFile, describeOther, isDescribedAs, xattrReaderOf } from './entry-description.js';
import { TotalsEstimate } from './estimate.js';
import { FileStorer } from './file-storer.js';
import { IndexPublisher } from './index-publisher.js';
import { ParentTree, type ReadChunk } from './parent-tree.js';
import { PlannedUploads } from './planned-uploads.js';
import { NO_PRUNES } from './prune-guard.js';
import { DryLog, RunChunks } from './run-chunks.js';
import { TreeWriter } from './tree-writer.js';
import { UnchangedContent } from './unchanged-content.js';

export interface RunStart {
  readonly parent: Snapshot | null;
  readonly marked: ReadonlySet<ObjectId>;
  readonly timeMs: number;
}

export class BackupRun {
  readonly account: BackupAccount;
  readonly estimate: TotalsEstimate;
  private readonly packer: ChunkPacker;
  private readonly publisher: IndexPublisher;
  private readonly trees: TreeWriter;
  private readonly files: FileStorer;
  private readonly xattrs: XattrReader;
  private readonly parentTree: ParentTree;
  private readonly unchanged: UnchangedContent;
  /** The parent's subtree of each directory that is open; null for one that the parent has not. */
  private readonly parentSubtrees: (readonly string[] | null)[] = [];

  constructor(
    private readonly parts: BackupParts,
    private readonly request: BackupRequest,
    private readonly start: RunStart,
  ) {
    const { dryRun = false, ignoreCtime = false, ignoreInode = false, signal, onEvent } = request;
    const { parent, marked } = start;
    const { cache, guard, keys } = parts;
    const uploader = dryRun ? new PlannedUploads(parts.broker, putWishOf(request)) : parts.uploader;
    const log = dryRun ? new DryLog(cache.unpublished) : cache;
    const chunks = new RunChunks({
      index: request.relyOn ?? cache.index,
      log,
      guard: dryRun ? NO_PRUNES : guard,
      marked,
    });

    this.estimate = new TotalsEstimate(parent === null ? null : { files: parent.files, bytes: parent.sourceBytes });
    this.account = new BackupAccount({
      onEvent,
      estimate: this.estimate,
      newBytes: () => this.packer.newBytes,
      hosts: () => uploader.hosts.size,
    });
    this.packer = new ChunkPacker({
      ...parts,
      cache: chunks,
      uploader,
      signal,
      onStored: (object, stored) => {
        // The next run reads the lists of folders that this one wrote.
        if (!dryRun) void parts.local.keep(object.objectId, object.kind, object.bytes);
        this.account.addObject(object, stored);
      },
    });
    this.publisher = new IndexPublisher(chunks, this.packer);

    const gear = expandGearTable(keys.chunkerKey);
    const storeTree = (plaintext: Buffer): Promise<string> => this.packer.add('tree', plaintext);
    this.trees = new TreeWriter(gear, storeTree);
    this.xattrs = xattrReaderOf(onEvent);
    this.files = new FileStorer({
      chunkerKey: keys.chunkerKey,
      gear,
      storeData: (plaintext) => this.packer.add('data', plaintext),
      storeTree,
      xattrs: this.xattrs,
      onBytes: (count) => this.account.addBytes(count),
    });
    const readChunk: ReadChunk = (id) => this.readChunk(id);
    this.parentTree = new ParentTree(readChunk, ({ code, message }) =>
      onEvent({
        kind: 'warning',
        code,
        detail: `the parent snapshot is not whole, so files are read anew: ${message}`,
      }),
    );
    this.unchanged = new UnchangedContent(chunks, readChunk, { ignoreCtime, ignoreInode });
  }

  /** Store everything that is walked; returns the chunks of the root's stream, null when the root cannot be read. */
  async storeTree(events: AsyncIterable<WalkEvent>): Promise<string[] | null> {
    let root: string[] | null = null;
    for await (const event of events) {
      if (this.request.signal.aborted) throw new ProtocolError('interrupted');
      root = await this.storeEvent(event);
      if (this.publisher.isDue) await this.publisher.publish();
    }
    return root;
  }

  /** Store a stream as the only file, in the folders that its name leads through; returns the root's chunks. */
  async storeStream({ name, stream }: SourceStream): Promise<string[]> {
    const steps = name.split('/').filter(Boolean);
    const fileName = steps.pop();
    if (fileName === undefined) throw new ProtocolError('usage', {}, { detail: 'the stream has no name' });
    const made = {
      mtimeNs: BigInt(this.start.timeMs) * 1_000_000n,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
    };
    for (let depth = 0; depth <= steps.length; depth++) await this.trees.enterDirectory();

    const { sizeBytes, content } = await this.files.storeStream(stream, this.request.signal);
    this.account.addFile(Buffer.from(`/${name}`), 'new', sizeBytes, this.packer.newBytes);
    await this.trees.addEntry({
      type: 'file',
      name: Buffer.from(fileName),
      mode: 0o644,
      ...made,
      sizeBytes,
      ...content,
    });
    for (let subtree = await this.trees.leaveDirectory(); ; subtree = await this.trees.leaveDirectory()) {
      const folder = steps.pop();
      if (folder === undefined) return subtree;
      this.account.addDirectory(Buffer.from(`/${[...steps, folder].join('/')}`), 'new');
      await this.trees.addEntry({ type: 'dir', name: Buffer.from(folder), mode: 0o755, ...made, subtree });
    }
  }

  /** Wait until all that was stored, and the index that locates it, is safe. */
  async makeSafe(): Promise<void> {
    await this.packer.flush(['data', 'tree']);
    await this.publisher.publish();
  }

  /** Store the snapshot, last of all. Null in a dry run. */
  async storeSnapshot(document: Uint8Array): Promise<ObjectId | null> {
    const { dryRun = false, signal } = this.request;
    if (!dryRun) await this.parts.guard.beforeSnapshot(signal);
    const chunkId = await this.packer.add('snapshot', document);
    const [sent] = await this.packer.flush(['snapshot']);
    if (dryRun) return null;
    // A second run of the same moment that says the same is the same snapshot.
    const snapshotId = sent ?? this.placeOf(chunkId)?.objectId;
    if (snapshotId === undefined) throw new ProtocolError('internal', {}, { detail: 'the snapshot lies nowhere' });
    return snapshotId;
  }

  /** Nothing of this run is under way when this resolves, whatever became of it. */
  async settle(): Promise<void> {
    await this.packer.settle();
    await this.parts.local.settle();
    await this.estimate.end();
  }

  tellSkipped(path: Buffer, reason: SkipReason, errno: string, code: ErrorCode = 'file_unreadable'): void {
    this.account.addSkipped();
    const because = `${reason.replace('_', ' ')}${errno === '' ? '' : ` (${errno})`}`;
    this.request.onEvent({ kind: 'skipped', path: path.toString(), code, reason: because });
  }

  /** Returns the root's chunks when the event leaves the root, else null. */
  private async storeEvent(event: WalkEvent): Promise<string[] | null> {
    switch (event.type) {
      case 'enter-dir':
        await this.enterDirectory(event);
        return null;
      case 'leave-dir':
        return this.leaveDirectory(event);
      case 'file':
        await this.storeFile(event);
        return null;
      case 'symlink':
        this.account.addLeaf('symlinks');
        await this.trees.addEntry({
          type: 'symlink',
          ...this.describeAt(event),
          linkTarget: event.linkTarget,
        });
        return null;
      case 'special':
        this.account.addLeaf('specials');
        await this.trees.addEntry({
          type: event.special,
          ...this.describeAt(event),
          ...(event.device !== undefined && { device: event.device }),
        });
        return null;
      case 'skipped':
        this.tellSkipped(event.path, event.reason, event.errno);
        return null;
    }
  }

  private async enterDirectory({ depth, name }: WalkEvent): Promise<void> {
    const before = depth === 0 ? null : await this.parentTree.take(name);
    const subtree = depth === 0 ? (this.start.parent?.root ?? null) : before?.type === 'dir' ? before.subtree : null;
    this.parentSubtrees.push(subtree);
    this.parentTree.enter(subtree);
    await this.trees.enterDirectory();
  }

  private async leaveDirectory(
    event: WalkEvent & { readonly type: 'leave-dir' | 'enter-dir' },
  ): Promise<string[] | null> {
    const subtree = await this.trees.leaveDirectory();
    const before = this.parentSubtrees.pop() ?? null;
    this.parentTree.leave();
    if (event.depth === 0) return subtree;
    // The root of several paths is the only directory without a stat.
    if (event.stat === null) return null;
    const isSame = before !== null && isDeepStrictEqual(before, subtree);
    this.account.addDirectory(event.path, isSame ? 'unchanged' : before === null ? 'new' : 'changed');
    await this.trees.addEntry({ type: 'dir', ...this.describeAt({ ...event, stat: event.stat }), subtree });
    return null;
  }

  /** What no descriptor is open of is asked for its attributes by path. */
  private describeAt({ path, name, stat }: WalkPlace & { readonly stat: EntryStat }): EntryMetadata {
    return describeOther(name, stat, this.xattrs.read(path, path));
  }

  private async storeFile(event: WalkEvent & { readonly type: 'file' }): Promise<void> {
    if (await this.keepLine(event)) return;
    const { name, path, stat } = event;
    const before = await this.parentTree.take(name);
    const kept = await this.unchanged.of(before, stat);
    const readMs = this.parts.clock.nowMs();
    if (kept !== null) {
      // An equal ctime says that the attributes are the same, too.
      const isReadAnew = this.request.ignoreCtime === true;
      const xattrs = isReadAnew ? this.xattrs.read(path, path) : before?.xattrs;
      const xattrsWhole = !isReadAnew || this.xattrs.lastWasWhole;
      const keptFrom = before?.type === 'file' ? before : null;
      const reading = { xattrs, xattrsWhole, sizeBytes: stat.sizeBytes, content: kept, readMs, keptFrom };
      const entry = describeFile(name, stat, reading);
      this.account.addKeptFile(path, isDescribedAs(before, entry) ? 'unchanged' : 'changed', stat.sizeBytes);
      await this.trees.addEntry(entry);
      return;
    }
    const newBytesBefore = this.packer.newBytes;
    const stored = await this.files.store(path, stat);
    if (!stored.ok) return this.tellSkipped(path, stored.reason, stored.errno);
    if (stored.changed) {
      const detail = `${path.toString()}: changed while it was read`;
      this.request.onEvent({ kind: 'warning', code: 'file_changed', detail });
    }
    const { sizeBytes, content, xattrs, xattrsWhole } = stored;
    const reading = { xattrs, xattrsWhole, sizeBytes, content, readMs, keptFrom: null };
    const compared = before?.type === 'file' ? 'changed' : 'new';
    this.account.addFile(path, compared, sizeBytes, this.packer.newBytes - newBytesBefore);
    await this.trees.addEntry(describeFile(name, stored.stat, reading));
  }

  /** Take the parent's line of a file over as it is, where it is what would be written; false where it is not. */
  private async keepLine({ name, path, stat }: WalkEvent & { readonly type: 'file' }): Promise<boolean> {
    // Then attributes are read again, whatever the line says.
    if (this.request.ignoreCtime === true) return false;
    const line = await this.parentTree.nextLine();
    const content = line && unchangedContent(line, name, stat);
    if (content === null || !this.unchanged.areStored(content)) return false;
    this.parentTree.passLine();
    this.account.addKeptFile(path, 'unchanged', stat.sizeBytes);
    await this.trees.addLine(name, line!);
    return true;
  }

  private readChunk(id: string): Promise<Buffer> {
    const location = this.placeOf(id);
    if (location === undefined) return Promise.reject(new ProtocolError('chunk_missing', { chunk: id }));
    return this.parts.objects.chunk(location, this.request.signal);
  }

  private placeOf(id: string): ChunkLocation | undefined {
    const chunkId = decodeBase64url(id);
    return chunkId === null ? undefined : this.parts.cache.index.get(chunkId);
  }
}

// One restore: walk a snapshot, and for each stretch of it fetch every object once and write its chunks where they belong.
import { BoundedPool, type Clock } from '#process';
import { type ErrorCode, isRefusal, type ObjectId, type PeerId, ProtocolError } from '#protocol';
import { compileIncludes } from '../files/path-patterns.js';
import { RestoreWriter } from '../files/restore-writer.js';
import type { TargetDirectory } from '../files/target-directories.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { DataKeys } from '../keys.js';
import { openChunk } from '../objects/open-object.js';
import type { OnEvent } from '../ports.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { FileEntry, TreeEntry } from '../trees/tree-codec.js';
import { RestoreWindow, type WantedChunk } from './restore-window.js';
import { RestoringFile } from './restoring-file.js';

/** Objects under way at once; each is up to 20 MiB with its shards. */
const FETCHES_MAX = 3;
/** Objects whose tokens are asked for at once: few enough that the last is fetched while its tokens live. */
const OBJECTS_ASKED_AT_ONCE = 16;

export interface RestoreRequest {
  readonly snapshot: Snapshot;
  readonly target: string;
  readonly includes: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface RestoreSummary {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  readonly bytes: number;
  /** Entries that could not be restored, or not wholly. Each was told by an event. */
  readonly failed: number;
  readonly seconds: number;
  readonly badHosts: readonly { readonly peerId: PeerId; readonly code: ErrorCode }[];
}

export interface RestoreParts {
  readonly keys: DataKeys;
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
  /** Hosts that failed so far, with the last code of each. */
  readonly badHosts: ReadonlyMap<PeerId, ErrorCode>;
  readonly clock: Clock;
}

/**
 * Restore a snapshot into an empty or new folder. A file whose chunks cannot all be had is left out and told, and so is
 * what cannot be read of a folder; the rest goes on.
 *
 * throws   target_not_empty | usage | broker_unreachable | interrupted | local_disk | as a loss of data does (the root)
 */
export async function runRestore(parts: RestoreParts, request: RestoreRequest): Promise<RestoreSummary> {
  const run = new RestoreRun(parts, request);
  try {
    await run.restoreTree();
    return run.conclude();
  } finally {
    run.close();
  }
}

class RestoreRun {
  private readonly writer: RestoreWriter;
  private readonly window = new RestoreWindow();
  private readonly fetches = new BoundedPool(FETCHES_MAX);
  private readonly startedMs: number;
  /** Whether a pattern has chosen anything; folders on the way to what might be do not count. */
  private anyChosen = false;
  private readonly counts = { files: 0, directories: 0, symlinks: 0, bytes: 0, failed: 0 };

  constructor(
    private readonly parts: RestoreParts,
    private readonly request: RestoreRequest,
  ) {
    this.startedMs = parts.clock.monotonicMs();
    this.writer = new RestoreWriter({
      targetPath: request.target,
      onProblem: ({ path, what, errno }) => this.tellFailed(path, `its ${what} could not be set (${errno})`),
    });
  }

  async restoreTree(): Promise<void> {
    const choose = compileIncludes(this.request.includes);
    const { signal, snapshot } = this.request;
    const open: (TargetDirectory | null)[] = [this.writer.root];
    const choiceOf = (parents: readonly Uint8Array[], entry: TreeEntry): ReturnType<typeof choose> =>
      choose(`/${pathOf(parents, entry)}`, entry.type === 'dir');
    const descend = (parents: readonly Uint8Array[], entry: TreeEntry): boolean => choiceOf(parents, entry) !== 'none';

    for await (const next of this.parts.trees.walk(snapshot.root, descend, signal)) {
      if (signal.aborted) throw new ProtocolError('interrupted');
      if (next.step === 'lost') {
        this.loseDirectory(next.parents, next.failure);
        continue;
      }
      if (next.step === 'leave') {
        open.pop();
        continue;
      }
      const { parents, entry } = next;
      const choice = choiceOf(parents, entry);
      if (choice === 'match') this.anyChosen = true;
      const isChosen = choice !== 'none';
      const parent = open.at(-1) ?? null;
      if (entry.type !== 'dir') {
        if (isChosen && parent !== null) await this.restoreLeaf(parent, pathOf(parents, entry), entry);
      } else if (isChosen) {
        // Below a directory that could not be made nothing is written, but it is walked, so that each loss is told.
        open.push(parent === null ? this.lost(pathOf(parents, entry)) : this.makeDirectory(parent, parents, entry));
      }
    }
    await this.writeWindow();
  }

  conclude(): RestoreSummary {
    if (this.request.includes.length > 0 && !this.anyChosen) {
      throw new ProtocolError('path_missing', {}, { detail: 'nothing in the snapshot matches --include' });
    }
    this.writer.finish();
    const badHosts = [...this.parts.badHosts].map(([peerId, code]) => ({ peerId, code }));
    return { ...this.counts, seconds: (this.parts.clock.monotonicMs() - this.startedMs) / 1000, badHosts };
  }

  close(): void {
    this.writer.close();
  }

  private makeDirectory(
    parent: TargetDirectory,
    parents: readonly Uint8Array[],
    entry: TreeEntry & { readonly type: 'dir' },
  ): TargetDirectory | null {
    try {
      const made = this.writer.makeDirectory(parent, entry.name, entry);
      this.counts.directories++;
      return made;
    } catch (error) {
      this.passOver(pathOf(parents, entry), error);
      return null;
    }
  }

  /** The rest of a directory's entries cannot be read. Without the root there is nothing to restore. */
  private loseDirectory(steps: readonly Uint8Array[], failure: ProtocolError): void {
    if (steps.length === 0) throw failure;
    this.passOver(steps.map((name) => Buffer.from(name).toString()).join('/'), failure);
  }

  private lost(path: string): null {
    this.tellFailed(path, 'its folder could not be restored');
    return null;
  }

  private async restoreLeaf(
    parent: TargetDirectory,
    path: string,
    entry: Exclude<TreeEntry, { type: 'dir' }>,
  ): Promise<void> {
    try {
      if (entry.type === 'file') return await this.planFile(parent, path, entry);
      this.writer.makeSymlink(parent, entry.name, entry.linkTarget, entry);
      this.counts.symlinks++;
    } catch (error) {
      this.passOver(path, error);
    }
  }

  /** Make the file and put its chunks into the window; the window is written when it is full. */
  private async planFile(parent: TargetDirectory, path: string, entry: FileEntry): Promise<void> {
    const { writer } = this;
    const open = () => writer.openFile(parent, entry.name, entry.sizeBytes);
    const file = new RestoringFile(writer, open, entry, (failure) => this.fileEnded(path, failure));
    this.window.addFile();
    file.expectNoMore(await this.planChunks(file, entry));
    if (this.window.isFull) await this.writeWindow();
  }

  /** Returns what makes the file impossible to restore, null when every chunk has a place. */
  private async planChunks(file: RestoringFile, entry: FileEntry): Promise<ProtocolError | null> {
    const { trees } = this.parts;
    let offset = 0;
    try {
      for await (const id of trees.contentOf(entry, this.request.signal)) {
        const location = trees.locate(id);
        file.expectChunk();
        this.window.add(location, file, offset);
        offset += location.entry.rawBytes;
        if (this.window.isFull) await this.writeWindow();
      }
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      return error;
    }
    return offset === entry.sizeBytes ? null : new ProtocolError('snapshot_damaged', { reason: 'size of a file' });
  }

  private async writeWindow(): Promise<void> {
    const objects = this.window.take();
    for (let first = 0; first < objects.length; first += OBJECTS_ASKED_AT_ONCE) {
      const group = objects.slice(first, first + OBJECTS_ASKED_AT_ONCE);
      await this.parts.objects.announce(
        group.map(([objectId]) => objectId),
        this.request.signal,
      );
      const ends = await Promise.allSettled(
        group.map(([objectId, wanted]) => this.fetches.run(() => this.writeObject(objectId, wanted))),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
  }

  private async writeObject(objectId: ObjectId, wanted: readonly WantedChunk[]): Promise<void> {
    const { objects, keys } = this.parts;
    const object = await objects.get(objectId, this.request.signal).catch((error: unknown) => {
      if (!isLossOfData(error)) throw error;
      for (const { file } of wanted) file.loseChunk(error);
      return null;
    });
    if (object === null) return;
    for (const { entry, file, offset } of wanted) {
      if (this.request.signal.aborted) throw new ProtocolError('interrupted');
      const plaintext = openOrFailure(() => openChunk(keys, object.key, object.bytes, entry));
      if (plaintext instanceof ProtocolError) {
        file.loseChunk(plaintext);
        continue;
      }
      await file.write(plaintext, offset);
      this.counts.bytes += plaintext.length;
      this.tellProgress();
    }
  }

  private fileEnded(path: string, failure: Error | null): void {
    if (failure === null) {
      this.counts.files++;
      this.tellProgress();
    } else this.passOver(path, failure);
  }

  /** A refusal about one entry is told and the restore goes on; everything else ends it. */
  private passOver(path: string, error: unknown): void {
    if (!isRefusal(error) || error.code === 'interrupted' || error.code === 'broker_unreachable') throw error;
    if (error.code === 'local_disk') throw error;
    this.counts.failed++;
    this.request.onEvent({ kind: 'skipped', path, code: error.code, reason: error.message });
  }

  private tellFailed(path: string, reason: string): void {
    this.counts.failed++;
    this.request.onEvent({ kind: 'skipped', path, code: 'local_disk', reason });
  }

  private tellProgress(): void {
    this.request.onEvent({
      kind: 'progress',
      filesDone: this.counts.files,
      bytesDone: this.counts.bytes,
      bytesTotal: this.request.includes.length === 0 ? this.request.snapshot.sourceBytes : null,
      bytesStored: 0,
      hosts: 0,
    });
  }
}

function openOrFailure(open: () => Buffer): Buffer | ProtocolError {
  try {
    return open();
  } catch (error) {
    if (isLossOfData(error)) return error;
    throw error;
  }
}

function pathOf(parents: readonly Uint8Array[], entry: TreeEntry): string {
  return [...parents, entry.name].map((name) => Buffer.from(name).toString()).join('/');
}

// Keeps the account of a run: what was stored, what was as before, and how far it has come.

import type { SealedObject } from '../objects/object-builder.js';
import type { EntryEvent, OnEvent } from '../ports.js';
import { isContent } from '../put/chunk-packer.js';
import type { StoredObject } from '../put/object-uploader.js';
import type { BackupSummary, ComparedCounts } from './backup-request.js';
import type { TotalsEstimate } from './estimate.js';

export type Compared = 'new' | 'changed' | 'unchanged';

export interface AccountOptions {
  readonly onEvent: OnEvent;
  readonly estimate: Pick<TotalsEstimate, 'files' | 'bytes'>;
  readonly newBytes: () => number;
  readonly hosts: () => number;
}

/** Files that need not be read come by the ten thousand a second: each folder is told of, and some of its files. */
const KEPT_FILES_PER_TELL = 64;

interface Tally {
  new: number;
  changed: number;
  unchanged: number;
}

export class BackupAccount {
  private readonly files: Tally = { new: 0, changed: 0, unchanged: 0 };
  private readonly directories: Tally = { new: 0, changed: 0, unchanged: 0 };
  private readonly counts = { symlinks: 0, specials: 0, skipped: 0, objects: 0, storedBytes: 0, packedBytes: 0 };
  /** Bytes of the chunks in the packed ones, as they were read. */
  private rawBytes = 0;
  private sourceBytes = 0;

  constructor(private readonly options: AccountOptions) {}

  /** Bytes of a file that were read. */
  addBytes(count: number): void {
    this.sourceBytes += count;
    this.tellProgress();
  }

  /** A file that need not be read. */
  addKeptFile(pathBytes: Buffer, compared: Compared, bytes: number): void {
    const path = pathBytes.toString();
    this.sourceBytes += bytes;
    this.files[compared]++;
    this.tell({ kind: 'entry', type: 'file', action: compared, path, bytes, bytesNew: 0 });
    if (totalOf(this.files) % KEPT_FILES_PER_TELL === 0) this.tellProgress(path);
  }

  addFile(pathBytes: Buffer, compared: Compared, bytes: number, bytesNew: number): void {
    const path = pathBytes.toString();
    this.files[compared]++;
    this.tell({ kind: 'entry', type: 'file', action: compared, path, bytes, bytesNew });
    this.tellProgress(path);
  }

  addDirectory(pathBytes: Buffer, compared: Compared): void {
    const path = pathBytes.toString();
    this.directories[compared]++;
    this.tell({ kind: 'entry', type: 'dir', action: compared, path });
    this.tellProgress(path);
  }

  addLeaf(type: 'symlinks' | 'specials'): void {
    this.counts[type]++;
  }

  addSkipped(): void {
    this.counts.skipped++;
  }

  addObject(object: SealedObject, stored: StoredObject): void {
    this.counts.objects++;
    this.counts.storedBytes += stored.storedBytes;
    for (const { storedBytes, rawBytes } of isContent(object.kind) ? object.entries : []) {
      this.counts.packedBytes += storedBytes;
      this.rawBytes += rawBytes;
    }
    this.tellProgress();
  }

  /** What is known when the run has ended. */
  summary(): Omit<BackupSummary, 'snapshotId' | 'parentId' | 'dryRun' | 'seconds'> {
    return {
      files: totalOf(this.files),
      directories: totalOf(this.directories),
      comparedFiles: comparedOf(this.files),
      comparedDirectories: comparedOf(this.directories),
      ...this.counts,
      sourceBytes: this.sourceBytes,
      newBytes: this.options.newBytes(),
      hosts: this.options.hosts(),
    };
  }

  private tellProgress(path?: string): void {
    const { estimate, newBytes, hosts } = this.options;
    const bytesNew = newBytes();
    this.options.onEvent({
      kind: 'progress',
      filesDone: totalOf(this.files),
      filesTotal: estimate.files,
      bytesDone: this.sourceBytes,
      bytesTotal: estimate.bytes,
      bytesNew,
      // Chunks that wait to be sent count as compressed as well as those before them.
      bytesPacked: this.rawBytes === 0 ? 0 : Math.round((bytesNew * this.counts.packedBytes) / this.rawBytes),
      bytesStored: this.counts.storedBytes,
      hosts: hosts(),
      ...(path !== undefined && { path }),
    });
  }

  private tell(event: EntryEvent): void {
    this.options.onEvent(event);
  }
}

function totalOf(tally: Tally): number {
  return tally.new + tally.changed + tally.unchanged;
}

function comparedOf({ new: added, changed, unchanged }: Tally): ComparedCounts {
  return { new: added, changed, unmodified: unchanged };
}

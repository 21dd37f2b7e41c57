// What a restore has done so far, and what it tells about it.
import type { Clock } from '#process';
import { type ErrorCode, type PeerId, ProtocolError } from '#protocol';
import type { RestoreProblem } from '../files/restore-writer.js';
import type { FetchedBytes } from '../get/neighbour-gets.js';
import type { EntryEvent, OnEvent } from '../ports.js';
import { isAboutOneEntry } from './entry-failure.js';

/** files and bytes count what the target has as the snapshot says; bytesWritten what had to be written for it. */
export interface RestoreCounts {
  files: number;
  /** Of the files, those that were there already. */
  filesUnchanged: number;
  /** Of the files, names of a file that has another. */
  hardLinks: number;
  directories: number;
  symlinks: number;
  /** FIFOs and devices. */
  specials: number;
  /** Bytes that were written. */
  bytes: number;
  bytesUnchanged: number;
  /** Entries that the policy left alone. */
  kept: number;
  deleted: number;
  /** Files that were read back. */
  verified: number;
  /** Entries that could not be restored, or not wholly. Each was told by an event. */
  failed: number;
}

export interface RestoreTotals {
  readonly files: number | null;
  readonly bytes: number | null;
}

export class RestoreTally {
  readonly counts: RestoreCounts = {
    files: 0,
    filesUnchanged: 0,
    hardLinks: 0,
    directories: 0,
    symlinks: 0,
    specials: 0,
    bytes: 0,
    bytesUnchanged: 0,
    kept: 0,
    deleted: 0,
    verified: 0,
    failed: 0,
  };
  private readonly startedMs: number;

  /**
   * totals    what the snapshot has, where all of it is restored
   * fetched   grows as shards come
   */
  constructor(
    private readonly clock: Clock,
    private readonly onEvent: OnEvent,
    private readonly totals: RestoreTotals,
    private readonly fetched: Readonly<FetchedBytes>,
  ) {
    this.startedMs = clock.monotonicMs();
  }

  conclude(badHosts: ReadonlyMap<PeerId, ErrorCode>) {
    const seconds = (this.clock.monotonicMs() - this.startedMs) / 1000;
    const failed = [...badHosts].map(([peerId, code]) => ({ peerId, code }));
    return { ...this.counts, seconds, badHosts: failed, fetched: { ...this.fetched } };
  }

  /** A file is whole: written anew, written over, or found. `bytes` is its size. */
  file(action: 'restored' | 'updated' | 'unchanged', path: string, bytes: number): void {
    this.counts.files++;
    if (action === 'unchanged') this.counts.filesUnchanged++;
    this.entry(action, 'file', path, bytes);
    this.progress(path);
  }

  unchangedBytes(bytes: number): void {
    this.counts.bytesUnchanged += bytes;
  }

  writtenBytes(bytes: number, path: string): void {
    this.counts.bytes += bytes;
    this.progress(path);
  }

  kept(type: EntryEvent['type'], path: string): void {
    this.counts.kept++;
    this.entry('unchanged', type, path);
  }

  entry(action: EntryEvent['action'], type: EntryEvent['type'], path: string, bytes?: number): void {
    this.onEvent({ kind: 'entry', action, type, path, ...(bytes === undefined ? {} : { bytes }) });
  }

  /** A refusal about one entry is told and the restore goes on; everything else is thrown, and ends it. */
  passOver(path: string, error: unknown): void {
    if (!isAboutOneEntry(error)) throw error;
    const { errno, reason } = error.facts;
    const detail = errno ?? reason;
    this.fail(path, error.code, detail === undefined ? error.message : `${error.message} (${detail})`);
  }

  /** Attributes are told as a warning, once for each kind: most disks and users cannot set all of them. */
  problem({ path, what, errno, attribute }: RestoreProblem): void {
    if (what !== 'attribute') {
      this.fail(path, 'local_disk', `its ${what} could not be set (${errno})`);
      return;
    }
    const detail = `${path}: the attribute ${attribute} could not be set (${errno}); told once for all entries`;
    this.onEvent({ kind: 'warning', code: 'local_disk', detail });
  }

  fail(path: string, code: ErrorCode, reason: string): void {
    this.counts.failed++;
    this.onEvent({ kind: 'skipped', path, code, reason });
  }

  private progress(path: string): void {
    this.onEvent({
      kind: 'progress',
      activity: 'restore',
      filesDone: this.counts.files,
      filesTotal: this.totals.files,
      bytesDone: this.counts.bytes + this.counts.bytesUnchanged,
      bytesTotal: this.totals.bytes,
      bytesStored: 0,
      bytesFromNeighbours: this.fetched.lan,
      hosts: 0,
      path,
    });
  }
}

export function interruptedBy(signal: AbortSignal): void {
  if (signal.aborted) throw new ProtocolError('interrupted');
}

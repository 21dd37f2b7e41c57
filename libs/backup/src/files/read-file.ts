/**
 * Reads files for a backup, and finds out when one changed meanwhile. Symbolic links are refused, not followed.
 *
 * Small files are read whole with five synchronous calls (open, read, list attributes, fstat, close); larger ones piece by
 * piece off the event loop. Either way a file is read to the size it had when it was opened, so one that grows all the
 * time ends. Where a larger file has holes, they come as zeros and the disk is not asked.
 */
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { errnoOf, type SkipReason, skipReasonOf } from './disk-failure.js';
import { type EntryStat, entryStatOf, sameContent } from './entry-stat.js';
import { SMALL_FILE_BYTES_MAX } from './file-limits.js';
import { type Libc, libc, type Xattr } from './libc.js';

export type Unreadable = { readonly ok: false; readonly reason: SkipReason; readonly errno: string };

/**
 * A whole small file.
 *
 * bytes     a view into the buffer that was given; its length is the size to record
 * stat      after the last read
 * xattrs    what `readXattrs` found
 * changed   it was written to while it was read, twice in a row; the bytes may be of two versions
 */
export type SmallFile =
  | {
      readonly ok: true;
      readonly bytes: Buffer;
      readonly stat: EntryStat;
      readonly xattrs: readonly Xattr[] | undefined;
      readonly changed: boolean;
    }
  | Unreadable
  | { readonly ok: false; readonly reason: 'grown'; readonly errno: '' };

/** Reads the extended attributes of an open file. */
export type ReadXattrs = (descriptor: number) => readonly Xattr[] | undefined;

/**
 * Read a whole file that lstat said is small.
 *
 * path        as the walk gave it
 * expected    the stat that the walk gave
 * buffer      at least SMALL_FILE_BYTES_MAX + 1 bytes; the result lies in it until the next read into it
 * readXattrs  called while the file is open
 * returns     the file; or why it cannot be read; or `grown` when it is no longer small: open it with `openSource`
 */
export function readSmallFile(path: Buffer, expected: EntryStat, buffer: Buffer, readXattrs: ReadXattrs): SmallFile {
  const first = readOnce(path, expected, buffer, readXattrs);
  if (!first.ok || sameContent(first.stat, expected)) return first;
  // It changed since the walk, perhaps before the open: a second reading that finds it as the first left it is whole.
  const second = readOnce(path, first.stat, buffer, readXattrs);
  return second.ok ? { ...second, changed: !sameContent(first.stat, second.stat) } : second;
}

/** A file that is read piece by piece, from its start to the size it had when it was opened. */
export class SourceFile {
  private position = 0;
  /** Where the data that is being read ends; a hole may follow. */
  private dataEnd: number;

  /** `stat` is the one at the open. */
  constructor(
    readonly descriptor: number,
    readonly stat: EntryStat,
    private readonly holes: FileHoles | null,
  ) {
    this.dataEnd = holes === null ? stat.sizeBytes : 0;
  }

  /**
   * Fill a part of a buffer with what comes next.
   *
   * offset, length   the part, in bytes
   * returns          bytes read: less than `length` only at the end, 0 behind it
   * throws           the file-system error when the disk fails
   */
  async read(buffer: Buffer, offset: number, length: number): Promise<number> {
    const wanted = Math.min(length, this.stat.sizeBytes - this.position);
    let done = 0;
    while (done < wanted) {
      const zeros = this.fillFromHole(buffer.subarray(offset + done, offset + wanted));
      if (zeros > 0) {
        done += zeros;
        continue;
      }
      const room = Math.min(wanted - done, this.dataEnd - this.position);
      const { bytesRead } = await readAsync(this.descriptor, buffer, offset + done, room, this.position);
      if (bytesRead === 0) break;
      done += bytesRead;
      this.position += bytesRead;
    }
    return done;
  }

  /** True when it was written to since the open: what was read may be of two versions, or too short. */
  changed(): boolean {
    return !sameContent(this.stat, entryStatOf(fstatSync(this.descriptor, { bigint: true })));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** Writes the zeros of a hole that begins here; returns how many, 0 where there is data. */
  private fillFromHole(buffer: Buffer): number {
    if (this.holes === null || this.position < this.dataEnd) return 0;
    const dataStart = this.holes.seekData(this.descriptor, this.position) ?? this.stat.sizeBytes;
    const holeBytes = Math.min(buffer.length, dataStart - this.position);
    buffer.fill(0, 0, holeBytes);
    this.position += holeBytes;
    if (this.position === dataStart) {
      // Behind the last data there is no hole to find when the file was cut meanwhile: reading finds out.
      this.dataEnd = this.holes.seekHole(this.descriptor, dataStart) ?? this.stat.sizeBytes;
    }
    return holeBytes;
  }
}

type FileHoles = Pick<Libc, 'seekData' | 'seekHole'>;

/** Open a file of any size for reading. Whoever opens it closes it. */
export function openSource(path: Buffer): { readonly ok: true; readonly file: SourceFile } | Unreadable {
  try {
    const descriptor = openForReading(path);
    const stats = fstatSync(descriptor, { bigint: true });
    if (stats.isFile()) {
      // Fewer blocks than bytes: parts of it lie nowhere.
      const holes = stats.blocks * STAT_BLOCK_BYTES < stats.size ? libc() : null;
      return { ok: true, file: new SourceFile(descriptor, entryStatOf(stats), holes) };
    }
    closeSync(descriptor);
    return NO_LONGER_A_FILE;
  } catch (error) {
    return unreadable(error);
  }
}

const readAsync = promisify(read);
/** The unit of `blocks` in a stat, whatever the disk's own. */
const STAT_BLOCK_BYTES = 512n;
const NO_LONGER_A_FILE: Unreadable = { ok: false, reason: 'vanished', errno: '' };

function readOnce(path: Buffer, expected: EntryStat, buffer: Buffer, readXattrs: ReadXattrs): SmallFile {
  try {
    const descriptor = openForReading(path);
    try {
      const sizeBytes = fillFrom(
        descriptor,
        buffer.subarray(0, SMALL_FILE_BYTES_MAX + 1),
        Math.min(expected.sizeBytes, SMALL_FILE_BYTES_MAX + 1),
      );
      const xattrs = readXattrs(descriptor);
      const stats = fstatSync(descriptor, { bigint: true });
      if (!stats.isFile()) return NO_LONGER_A_FILE;
      if (sizeBytes > SMALL_FILE_BYTES_MAX) return { ok: false, reason: 'grown', errno: '' };
      return { ok: true, bytes: buffer.subarray(0, sizeBytes), stat: entryStatOf(stats), xattrs, changed: false };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return unreadable(error);
  }
}

/** One call when the file is as long as expected; more only for a file that shrank or a disk that gives short reads. */
function fillFrom(descriptor: number, buffer: Buffer, expectedBytes: number): number {
  let done = 0;
  do {
    const bytesRead = readSync(descriptor, buffer, done, buffer.length - done, null);
    if (bytesRead === 0) break;
    done += bytesRead;
  } while (done < expectedBytes);
  return done;
}

/** O_NONBLOCK: a FIFO put in the place of the file must not hang the run; for files it means nothing. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const QUIET_READ_FLAGS = READ_FLAGS | (constants.O_NOATIME ?? 0);

function openForReading(path: Buffer): number {
  try {
    return openSync(path, QUIET_READ_FLAGS);
  } catch (error) {
    // Only the owner may leave the access time alone.
    if (errnoOf(error) !== 'EPERM') throw error;
    return openSync(path, READ_FLAGS);
  }
}

function unreadable(error: unknown): Unreadable {
  const errno = errnoOf(error);
  return { ok: false, reason: skipReasonOf(errno), errno };
}

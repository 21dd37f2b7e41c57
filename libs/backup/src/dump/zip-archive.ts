// Writes entries of a snapshot as a zip archive, with Unix modes and symbolic links. Zip knows no owners, hard links or devices.
import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { hostileReason } from '../files/hostile-names.js';
import type { TreeEntry } from '../trees/tree-codec.js';
import type { DumpSink } from './dump-sink.js';
import type { Archive } from './run-dump.js';

/** The central directory at the end names every entry: about 200 bytes of memory each. */
const ENTRIES_MAX = 5_000_000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
/** MS-DOS times begin here; zip's own field cannot say less. */
const FIRST_TIME_MS = Date.UTC(1980, 0, 2);
const LAST_TIME_MS = Date.UTC(2107, 11, 30);

export class ZipArchive implements Archive {
  private readonly zip = new ZipFile();
  private readonly copied: Promise<void>;
  private entries = 0;

  constructor(private readonly sink: DumpSink) {
    // It passes on the error of a source, which whoever adds that source has anyway.
    this.zip.on('error', () => undefined);
    this.copied = this.copyOut();
    // Told by whoever waits for it.
    this.copied.catch(() => undefined);
  }

  async add(
    path: readonly Uint8Array[],
    entry: TreeEntry,
    content: () => AsyncIterable<Uint8Array>,
  ): ReturnType<Archive['add']> {
    // Windows takes a backslash for a slash: whoever unpacks the archive must not be led out of a folder.
    if (!path.every(isHarmless) || hasDrive(path[0]!)) return 'name_hostile';
    if (this.entries >= ENTRIES_MAX) return 'entry_unfit';
    const name = path.map((step) => Buffer.from(step).toString()).join('/');
    const mtime = new Date(Math.min(Math.max(Number(entry.mtimeNs / 1_000_000n), FIRST_TIME_MS), LAST_TIME_MS));
    if (entry.type === 'dir') {
      this.zip.addEmptyDirectory(name, { mtime, mode: S_IFDIR | entry.mode });
    } else if (entry.type === 'symlink') {
      this.zip.addBuffer(Buffer.from(entry.linkTarget), name, { mtime, mode: S_IFLNK | 0o777, compress: false });
    } else if (entry.type === 'file') {
      await this.addFile(name, { mtime, mode: S_IFREG | (entry.mode & 0o777), size: entry.sizeBytes }, content);
    } else return 'entry_unfit';
    this.entries++;
    return null;
  }

  async end(): Promise<void> {
    this.zip.end();
    await this.copied;
  }

  /** One file at a time is under way: the next one begins when all of this one is read. */
  private async addFile(
    name: string,
    options: { readonly mtime: Date; readonly mode: number; readonly size: number },
    content: () => AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const source = Readable.from(content(), { objectMode: false, highWaterMark: 1 });
    const { size, ...described } = options;
    const ended = once(source, 'end');
    this.zip.addReadStream(source, name, { ...described, compress: true, forceZip64Format: size >= ZIP64_FROM_BYTES });
    // An error of the source comes out here, and one of the output in `copied`, which never ends by itself before `end`.
    await Promise.race([ended, this.copied]);
  }

  private async copyOut(): Promise<void> {
    for await (const bytes of this.zip.outputStream) await this.sink.write(bytes as Buffer);
  }
}

/** Deflate may make a file larger by a little: well below the 4 GiB that the plain format can say. */
const ZIP64_FROM_BYTES = 0xf000_0000;

/** "C:" is a disk on Windows. */
function hasDrive(step: Uint8Array): boolean {
  return /^[a-z]:/i.test(Buffer.from(step).toString());
}

/** Names are UTF-8 in a zip: two that are not could become one, a link and a folder below it. */
function isHarmless(step: Uint8Array): boolean {
  return hostileReason(step, 'linux') === null && !step.includes(0x5c) && isUtf8(step);
}

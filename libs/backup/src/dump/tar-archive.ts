// Writes entries of a snapshot as a tar archive: names, owners, times, attributes, links and devices as they are.
import { hostileReason } from '../files/hostile-names.js';
import { linkKeyOf } from '../restore/hard-links.js';
import type { FileEntry, TreeEntry } from '../trees/tree-codec.js';
import type { DumpSink } from './dump-sink.js';
import type { Archive } from './run-dump.js';
import { type TarEntry, tarEnd, tarHeader, tarPadding } from './tar-header.js';

/** Files with several names that are remembered; those above are stored again. */
const LINKS_REMEMBERED_MAX = 500_000;

export class TarArchive implements Archive {
  /** The name of the first of several names of a file, by linkKeyOf. */
  private readonly links = new Map<string, Buffer>();

  constructor(private readonly sink: DumpSink) {}

  async add(
    path: readonly Uint8Array[],
    entry: TreeEntry,
    content: () => AsyncIterable<Uint8Array>,
  ): ReturnType<Archive['add']> {
    if (!path.every(isHarmless)) return 'name_hostile';
    // A socket is nothing without its program, and no archive knows it.
    if (entry.type === 'socket') return 'entry_unfit';
    const name = Buffer.concat(path.flatMap((step, i) => (i === 0 ? [step] : [SLASH, step])));
    const first = entry.type === 'file' ? this.firstNameOf(entry, name) : null;
    if (first !== null) {
      await this.sink.write(tarHeader({ ...described(entry, name), type: 'link', linkTarget: first, sizeBytes: 0 }));
      return null;
    }
    await this.sink.write(tarHeader(described(entry, name)));
    if (entry.type !== 'file') return null;
    for await (const bytes of content()) await this.sink.write(bytes);
    await this.sink.write(tarPadding(entry.sizeBytes));
    return null;
  }

  async end(): Promise<void> {
    await this.sink.write(tarEnd());
  }

  /** Null for the first name of a file, which is remembered, and for a file with one name. */
  private firstNameOf(entry: FileEntry, name: Buffer): Buffer | null {
    const key = linkKeyOf(entry);
    if (key === null) return null;
    const first = this.links.get(key);
    if (first !== undefined) return first;
    if (this.links.size < LINKS_REMEMBERED_MAX) this.links.set(key, name);
    return null;
  }
}

const SLASH = Buffer.from('/');

/** Whoever unpacks the archive must not be led out of a folder. */
function isHarmless(step: Uint8Array): boolean {
  return hostileReason(step, 'linux') === null;
}

function described(entry: Exclude<TreeEntry, { type: 'socket' }>, name: Buffer): TarEntry {
  const { mode, uid, gid, mtimeNs, xattrs } = entry;
  const common = { name, mode, uid, gid, mtimeNs, xattrs, sizeBytes: 0 };
  if (entry.type === 'file') return { ...common, type: 'file', sizeBytes: entry.sizeBytes };
  if (entry.type === 'symlink') return { ...common, type: 'symlink', linkTarget: entry.linkTarget };
  if (entry.type === 'dir') return { ...common, type: 'dir' };
  // The caller has left sockets out.
  return { ...common, type: entry.type as 'fifo' | 'chardev' | 'blockdev', device: entry.device };
}

// An entry of a snapshot as programs read it: restic's `node` document, and its line for people. Pure.
import type { TreeEntry } from '#backup';
import { formatBytes, formatLocalTime, formatMode, formatTimeNs, printable } from '../format.js';

/** restic writes modes as Go does: the type and the special bits stand above the nine permission bits. */
const GO_TYPE_BITS: Record<TreeEntry['type'], number> = {
  file: 0,
  dir: 2 ** 31,
  symlink: 2 ** 27,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  blockdev: 2 ** 26,
  chardev: 2 ** 26 + 2 ** 21,
};
const GO_SPECIAL_BITS = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
] as const;

/** `path` starts with a slash. Names that are no UTF-8 have U+FFFD for bad bytes, and the raw name beside. */
export function entryDocument(path: string, entry: TreeEntry) {
  const { type, mode, uid, gid, mtimeNs } = entry;
  const name = Buffer.from(entry.name).toString();
  return {
    name,
    ...(Buffer.from(name).equals(entry.name) ? {} : { name_base64: Buffer.from(entry.name).toString('base64') }),
    type: type === 'blockdev' ? 'dev' : type,
    path,
    uid,
    gid,
    ...(entry.type === 'file' ? { size: entry.sizeBytes } : {}),
    mode: goModeOf(type, mode),
    permissions: formatMode(type, mode),
    mtime: formatTimeNs(mtimeNs),
    ...(entry.type === 'file' && entry.ctimeNs !== undefined ? { ctime: formatTimeNs(entry.ctimeNs) } : {}),
    ...(entry.type === 'file' && entry.inode !== undefined ? { inode: Number(entry.inode) } : {}),
    ...(entry.type === 'symlink' ? { linktarget: Buffer.from(entry.linkTarget).toString() } : {}),
  };
}

function goModeOf(type: TreeEntry['type'], mode: number): number {
  const special = GO_SPECIAL_BITS.reduce((sum, [bit, goBit]) => sum + ((mode & bit) === 0 ? 0 : goBit), 0);
  return GO_TYPE_BITS[type] + special + (mode & 0o777);
}

const SIZE_CHARS = '1023.9 KiB'.length;
const ID_CHARS = 5;

/** Mode, owner, size, time and path in columns. */
export function formatEntry(path: string, entry: TreeEntry): string {
  const size = entry.type === 'file' ? formatBytes(entry.sizeBytes) : '-';
  const time = formatLocalTime(Number(entry.mtimeNs / 1_000_000n));
  const owners = [entry.uid, entry.gid].map((id) => String(id).padStart(ID_CHARS)).join(' ');
  const target = entry.type === 'symlink' ? ` -> ${printable(Buffer.from(entry.linkTarget).toString())}` : '';
  return `${formatMode(entry.type, entry.mode)} ${owners} ${size.padStart(SIZE_CHARS)}  ${time}  ${printable(path)}${target}`;
}

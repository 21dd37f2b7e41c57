// What lstat says about an entry, in the units that trees use.
import type { BigIntStats } from 'node:fs';

/** `mode` holds the twelve permission bits only; times are ns since 1970. */
export interface EntryStat {
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly device: bigint;
  readonly inode: bigint;
  /** Names of this inode, in any folder. */
  readonly linkCount: number;
}

export function entryStatOf(stats: BigIntStats): EntryStat {
  return {
    mode: Number(stats.mode) & 0o7777,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    sizeBytes: Number(stats.size),
    device: stats.dev,
    inode: stats.ino,
    linkCount: Number(stats.nlink),
  };
}

/** True when both describe the same file with, as far as times tell, the same bytes. */
export function sameContent(left: EntryStat, right: EntryStat): boolean {
  return (
    left.device === right.device &&
    left.inode === right.inode &&
    left.sizeBytes === right.sizeBytes &&
    left.mtimeNs === right.mtimeNs
  );
}

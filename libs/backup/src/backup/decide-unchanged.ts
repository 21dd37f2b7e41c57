// Decides whether a file is as the parent snapshot has it, by what the disk says of it and without opening it. Pure.
import type { EntryStat } from '../files/entry-stat.js';
import type { FileEntry } from '../trees/tree-codec.js';

export interface UnchangedRules {
  /** For file systems and programs that touch it without changing the file. */
  readonly ignoreCtime: boolean;
  /** For file systems whose inode numbers do not last. */
  readonly ignoreInode: boolean;
}

/**
 * True when size and times are the same, and it is the same inode. A parent of the first tree version has neither ctime
 * nor inode, and then a file counts as changed unless those are ignored.
 */
export function isUnchanged(before: FileEntry, stat: EntryStat, rules: UnchangedRules): boolean {
  if (before.sizeBytes !== stat.sizeBytes || before.mtimeNs !== stat.mtimeNs) return false;
  if (!rules.ignoreCtime && before.ctimeNs !== stat.ctimeNs) return false;
  return rules.ignoreInode || before.inode === stat.inode;
}

// Removes what stands under a target: one entry, or a folder with all that is chosen of it. No link is ever followed.
import { type BigIntStats, lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { ProtocolError } from '#protocol';
import { errnoOf } from './disk-failure.js';
import { RESTORE_DEPTH_MAX } from './file-limits.js';
import { onDisk } from './restore-failure.js';
import { stepsTo, type TargetDirectories, type TargetDirectory } from './target-directories.js';

/**
 * chooses   whether an entry goes, asked from the top down: `all` with what is below, `some` perhaps below, `none`.
 *           `steps` lead from the target to the entry
 * removed   called for each entry that is gone, or would be with `dryRun`
 * failed    called for each entry that could not be removed
 */
export interface Removal {
  readonly dryRun: boolean;
  readonly chooses: (steps: readonly Buffer[], isDirectory: boolean) => 'all' | 'some' | 'none';
  readonly removed: (steps: readonly Buffer[], kind: RemovedKind) => void;
  readonly failed: (steps: readonly Buffer[], errno: string) => void;
}

export type RemovedKind = 'file' | 'dir' | 'symlink' | 'special';

/** What lies at a name, or null. The name has been judged. throws local_disk */
export function inspectIn(directories: TargetDirectories, parent: TargetDirectory, name: Buffer): BigIntStats | null {
  const path = directories.pathIn(parent, name);
  return onDisk(() => lstatSync(path, { bigint: true, throwIfNoEntry: false })) ?? null;
}

/** Remove one entry that is no folder, or an empty folder. throws local_disk */
export function removeOne(
  directories: TargetDirectories,
  parent: TargetDirectory,
  name: Buffer,
  isDirectory: boolean,
): void {
  const path = directories.pathIn(parent, name);
  onDisk(() => (isDirectory ? rmdirSync(path) : unlinkSync(path)));
}

/**
 * Remove an entry and, for a folder, what is chosen below it. A folder in which something stays, stays; so does one of
 * another file system, which somebody mounted there.
 *
 * returns   whether the entry itself is gone, or would be
 * throws    local_disk when the directory that it stands in is no longer what it was
 */
export function removeChosen(
  directories: TargetDirectories,
  parent: TargetDirectory,
  name: Buffer,
  removal: Removal,
): boolean {
  const stats = inspectIn(directories, parent, name);
  if (stats === null) return true;
  const steps = [...stepsTo(parent).map((step) => step.name), name];
  const choice = removal.chooses(steps, stats.isDirectory());
  if (choice === 'none') return false;
  const failed = (errno: string): false => {
    removal.failed(steps, errno);
    return false;
  };
  if (stats.isDirectory()) {
    const emptied = emptyDirectory(directories, parent, name, stats, removal);
    if (typeof emptied === 'string') return failed(emptied);
    if (!emptied || choice !== 'all') return false;
  } else if (choice !== 'all') return false;
  try {
    if (!removal.dryRun) removeOne(directories, parent, name, stats.isDirectory());
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return failed(String(error.facts.errno ?? error.facts.reason));
  }
  removal.removed(steps, kindOf(stats));
  return true;
}

/** Returns whether nothing is left in it, or the errno that kept this run from looking. */
function emptyDirectory(
  directories: TargetDirectories,
  parent: TargetDirectory,
  name: Buffer,
  stats: BigIntStats,
  removal: Removal,
): boolean | string {
  if (parent.depth >= RESTORE_DEPTH_MAX) return 'ENAMETOOLONG';
  if (directories.deviceOf(parent) !== stats.dev) return 'EXDEV';
  try {
    const inside = directories.enterExisting(parent, name);
    let isEmpty = true;
    for (const child of directories.namesIn(inside)) {
      if (!removeChosen(directories, inside, child, removal)) isEmpty = false;
    }
    directories.release(inside);
    return isEmpty;
  } catch (error) {
    return error instanceof ProtocolError ? String(error.facts.errno ?? error.facts.reason) : errnoOf(error);
  }
}

export function kindOf(stats: Pick<BigIntStats, 'isFile' | 'isDirectory' | 'isSymbolicLink'>): RemovedKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'symlink' : 'special';
}

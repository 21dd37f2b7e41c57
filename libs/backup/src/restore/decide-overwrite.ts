// What becomes of an entry whose name is taken in the target. Pure.
import type { TreeEntry } from '../trees/tree-codec.js';

/**
 * After restic: `always` makes every entry as the snapshot has it; `if-changed` takes a file of equal size and time for
 * the same without reading it; `if-newer` leaves alone what is as new or newer; `never` leaves alone what is there.
 */
export const OVERWRITE_POLICIES = ['always', 'if-changed', 'if-newer', 'never'] as const;
export type OverwritePolicy = (typeof OVERWRITE_POLICIES)[number];

export interface TakenBy {
  readonly type: 'file' | 'dir' | 'symlink' | 'special';
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
}

/**
 * make      nothing is there
 * refuse    the restore began with an empty target: somebody else made it, or the disk does not tell two names apart
 * keep      it stays as it is
 * enter     it is a directory, and so is the entry
 * trust     it is taken for what the snapshot has
 * compare   it is a file that may have the same bytes, in part or whole
 * replace   it goes
 */
export type OverwriteDecision = 'make' | 'refuse' | 'keep' | 'enter' | 'trust' | 'compare' | 'replace';

/** policy   null when nothing may be there */
export function decideOverwrite(
  policy: OverwritePolicy | null,
  entry: TreeEntry,
  takenBy: TakenBy | null,
): OverwriteDecision {
  if (takenBy === null) return 'make';
  if (policy === null) return 'refuse';
  const type = entry.type === 'file' || entry.type === 'dir' || entry.type === 'symlink' ? entry.type : 'special';
  if (type === 'dir' && takenBy.type === 'dir') return 'enter';
  if (policy === 'never') return 'keep';
  if (policy === 'if-newer' && takenBy.mtimeNs >= entry.mtimeNs) return 'keep';
  if (type !== takenBy.type) return 'replace';
  if (policy === 'if-changed' && takenBy.mtimeNs === entry.mtimeNs && takenBy.sizeBytes === sizeOf(entry)) {
    return 'trust';
  }
  return type === 'file' ? 'compare' : 'replace';
}

/** As lstat tells it. */
function sizeOf(entry: TreeEntry): number {
  if (entry.type === 'file') return entry.sizeBytes;
  return entry.type === 'symlink' ? entry.linkTarget.length : 0;
}

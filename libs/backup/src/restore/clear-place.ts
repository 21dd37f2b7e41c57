// Makes room in the target for an entry whose name is taken, or finds out that there is nothing to do.
import type { BigIntStats } from 'node:fs';
import { ProtocolError } from '#protocol';
import { type MakeRoom, REPLACED_BY_RENAME } from '../files/take-place.js';
import { kindOf, type Removal } from '../files/target-removal.js';
import type { TreeEntry } from '../trees/tree-codec.js';
import { REMOVAL_CHOICES } from './choose-entries.js';
import { decideOverwrite, type OverwriteDecision } from './decide-overwrite.js';
import type { RestorePlace, RestoreRun } from './restore-parts.js';

/** decision   never `refuse`: that is thrown */
export interface InspectedPlace {
  readonly decision: Exclude<OverwriteDecision, 'refuse'>;
  readonly found: BigIntStats | null;
}

/** Look at the name of an entry, and decide. throws name_hostile | name_taken | local_disk */
export function inspectPlace({ writer, policy }: RestoreRun, place: RestorePlace, entry: TreeEntry): InspectedPlace {
  const found = place === 'absent' || writer === null ? null : writer.inspect(place, entry.name);
  const takenBy =
    found === null ? null : { type: kindOf(found), sizeBytes: Number(found.size), mtimeNs: found.mtimeNs };
  const decision = decideOverwrite(policy, entry, takenBy);
  if (decision === 'refuse') throw new ProtocolError('name_taken');
  return { decision, found };
}

/**
 * Find out how what stands where an entry goes can make room for it: a folder, where a rename cannot replace it, and
 * whatever is in the way of one. A folder that is not empty goes only when the person lets the restore delete, and only
 * when the patterns choose all that is in it. Nothing is removed yet: what replaces it may never be had.
 *
 * returns   what removes it, to be called when the entry is whole; null when nothing is there, and in a dry run
 * throws    local_disk (ENOTEMPTY, …)
 */
export function roomFor(
  run: RestoreRun,
  place: RestorePlace,
  entry: TreeEntry,
  found: BigIntStats | null,
): MakeRoom | null {
  const { writer, request } = run;
  if (found === null || place === 'absent' || writer === null) return null;
  const isDry = request.dryRun === true;
  if (!found.isDirectory()) {
    if (isDry) return null;
    return entry.type === 'dir' ? () => writer.remove(place, entry.name, false) : REPLACED_BY_RENAME;
  }
  const remove = (dryRun: boolean): void => {
    let errno = 'ENOTEMPTY';
    const failed = (steps: readonly Buffer[], cause: string): void => {
      if (steps.length === place.depth + 1) errno = cause;
      else run.tally.fail(steps.join('/'), 'local_disk', `it could not be removed (${cause})`);
    };
    const isGone = writer.removeChosen(place, entry.name, {
      dryRun,
      chooses: choiceOf(run, place.depth + 1),
      removed: () => undefined,
      failed,
    });
    if (!isGone) throw new ProtocolError('local_disk', { errno });
  };
  remove(true);
  return isDry ? null : () => remove(false);
}

/** depth   of the folder itself, which goes; what is in it goes as far as it is chosen */
function choiceOf({ request, choose }: RestoreRun, depth: number): Removal['chooses'] {
  return (steps, isDirectory) => {
    if (steps.length === depth) return 'all';
    return request.deletes === true ? REMOVAL_CHOICES[choose(`/${steps.join('/')}`, isDirectory)] : 'none';
  };
}

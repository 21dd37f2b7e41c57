// `restore --delete`: what a restored folder has and the snapshot has not, goes.
import { REMOVAL_CHOICES } from './choose-entries.js';
import { isAboutOneEntry } from './entry-failure.js';
import type { RestoreLevel } from './restore-level.js';
import type { RestoreRun } from './restore-parts.js';

/**
 * Look through one folder when all of its entries in the snapshot are known. Only what the patterns choose goes, as if
 * it were restored; a folder that was only on the way is looked through, too, and keeps its own time and mode.
 *
 * throws   what ends a restore
 */
export function deleteExtra({ writer, request, tally, choose }: RestoreRun, level: RestoreLevel): void {
  if (writer === null) return;
  const dryRun = request.dryRun === true;
  try {
    const directory = level.directory;
    if (directory === null) return;
    for (const name of writer.namesIn(directory)) {
      if (level.has(name)) continue;
      writer.removeChosen(directory, name, {
        dryRun,
        chooses: (steps, isDirectory) => REMOVAL_CHOICES[choose(`/${steps.join('/')}`, isDirectory)],
        removed: (steps, kind) => {
          tally.counts.deleted++;
          tally.entry('deleted', kind, steps.join('/'));
        },
        failed: (steps, errno) => tally.fail(steps.join('/'), 'local_disk', `it could not be removed (${errno})`),
      });
    }
  } catch (error) {
    if (!isAboutOneEntry(error)) throw error;
    tally.passOver(level.path, error);
  }
}

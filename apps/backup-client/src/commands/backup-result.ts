// What `peerkeep backup` tells when it is done: a table for people, restic's summary for programs. Pure.
import type { BackupSummary } from '#backup';
import { formatBytes, formatCount, formatCounted, formatPairs, formatSeconds } from '../format.js';
import type { ProblemList } from './problem-list.js';

export type BackupResult = BackupSummary & { readonly reported: boolean };

/** restic's members, and ours beside them. Sizes in bytes, the duration in seconds. */
export function summaryDocument(summary: BackupResult, problems: ProblemList['listed']) {
  const { comparedFiles, comparedDirectories, parentId, snapshotId } = summary;
  return {
    message_type: 'summary',
    ...(summary.dryRun && { dry_run: true }),
    files_new: comparedFiles.new,
    files_changed: comparedFiles.changed,
    files_unmodified: comparedFiles.unmodified,
    dirs_new: comparedDirectories.new,
    dirs_changed: comparedDirectories.changed,
    dirs_unmodified: comparedDirectories.unmodified,
    data_added: summary.newBytes,
    data_added_packed: summary.packedBytes,
    data_stored: summary.storedBytes,
    total_files_processed: summary.files,
    total_bytes_processed: summary.sourceBytes,
    total_duration: summary.seconds,
    symlinks: summary.symlinks,
    specials: summary.specials,
    files_skipped: summary.skipped,
    objects_stored: summary.objects,
    hosts: summary.hosts,
    reported: summary.reported,
    ...(parentId !== null && { parent: parentId }),
    ...(snapshotId !== null && { snapshot_id: snapshotId }),
    problems: problems.map(({ path, code, reason }) => ({ item: path, code, message: reason })),
  };
}

export function formatBackup(summary: BackupResult): string {
  const { sourceBytes, newBytes, storedBytes, objects, hosts, skipped, seconds, dryRun } = summary;
  const { comparedFiles, comparedDirectories } = summary;
  const stored = dryRun
    ? `${formatBytes(newBytes)}, ${formatBytes(storedBytes)} on hosts`
    : `${formatBytes(newBytes)}, ${formatBytes(storedBytes)} on ${formatCounted(hosts, 'host')}`;
  return [
    headlineOf(summary),
    formatPairs([
      ['files', `${formatCompared(comparedFiles)}; ${formatBytes(sourceBytes)} in ${formatCount(summary.files)}`],
      ['folders', formatCompared(comparedDirectories)],
      ['new', objects === 0 ? formatBytes(newBytes) : `${stored} in ${formatCounted(objects, 'object')}`],
      ...(skipped === 0 ? [] : ([['skipped', formatCount(skipped)]] as const)),
      ...(summary.reported ? [] : ([['confirmed', 'not yet: the next backup looks again']] as const)),
      ['time', formatSeconds(seconds)],
    ]),
  ].join('\n');
}

function headlineOf({ snapshotId, dryRun, reported }: BackupResult): string {
  if (dryRun) return 'nothing was saved: this is what a backup would do';
  return `snapshot ${snapshotId} ${reported ? 'saved' : 'stored, not yet confirmed'}`;
}

/** `3 new, 1 changed, 20,000 unmodified` */
function formatCompared({ new: added, changed, unmodified }: BackupSummary['comparedFiles']): string {
  return `${formatCount(added)} new, ${formatCount(changed)} changed, ${formatCount(unmodified)} unmodified`;
}

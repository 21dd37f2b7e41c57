// `peerkeep backup PATH…`: stores the present state of files and folders as a snapshot.
import type { Command } from 'commander';
import type { BackupSummary, EngineEvent } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCount, formatCounted, formatPairs, formatSeconds } from '../format.js';
import { type CommandContext, type CommonOptions, collect, newCommand, withEngine } from './command-context.js';
import { warnOfRecoveries } from './escrow.js';
import { ProblemList } from './problem-list.js';

interface BackupOptions extends CommonOptions {
  readonly exclude: readonly string[];
}

export function backupCommand(context: CommandContext): Command {
  return newCommand('backup', 'store files and folders as a new snapshot')
    .argument('<path...>', 'files and folders')
    .option('--exclude <glob>', 'leave out what matches; may be given again', collect, [])
    .action((paths: string[], options: BackupOptions) => backup(context, paths, options));
}

async function backup(context: CommandContext, paths: readonly string[], options: BackupOptions): Promise<void> {
  await warnOfRecoveries(context, options);
  const problems = new ProblemList();
  const summary = await withEngine(
    context,
    options,
    (engine, running) => engine.backup({ ...running, paths, excludes: options.exclude }),
    (event: EngineEvent) => problems.note(event),
  );
  if (summary.skipped > 0) context.setExitCode(EXIT.incomplete);
  context.terminal.result({ ...summary, problems: problems.listed }, () => formatBackup(summary));
}

export function formatBackup(summary: BackupSummary & { readonly reported: boolean }): string {
  const { files, directories, sourceBytes, newBytes, storedBytes, objects, hosts, skipped, seconds } = summary;
  const stored = `${formatBytes(newBytes)}, ${formatBytes(storedBytes)} on ${formatCounted(hosts, 'host')}`;
  return [
    `snapshot ${summary.snapshotId} saved`,
    formatPairs([
      ['files', `${formatCount(files)} in ${formatCounted(directories, 'folder')}, ${formatBytes(sourceBytes)}`],
      ['new', objects === 0 ? formatBytes(newBytes) : `${stored} in ${formatCounted(objects, 'object')}`],
      ...(skipped === 0 ? [] : ([['skipped', formatCount(skipped)]] as const)),
      ...(summary.reported ? [] : ([['reported', 'not yet: other machines see it after the next command']] as const)),
      ['time', formatSeconds(seconds)],
    ]),
  ].join('\n');
}

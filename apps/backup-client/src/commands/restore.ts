// `peerkeep restore SNAPSHOT --target DIR`: brings a snapshot back.
import type { Command } from 'commander';
import type { EngineEvent, RestoreSummary } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCount, formatCounted, formatPairs, formatSeconds, printable } from '../format.js';
import { type CommandContext, type CommonOptions, collect, newCommand, withEngine } from './command-context.js';
import { ProblemList } from './problem-list.js';

interface RestoreOptions extends CommonOptions {
  readonly target: string;
  readonly include: readonly string[];
}

export function restoreCommand(context: CommandContext): Command {
  return newCommand('restore', 'bring a snapshot back into a new or empty folder')
    .argument('<snapshot>', 'latest, an id, or the first 8 or more characters of one')
    .requiredOption('--target <dir>', 'folder to restore into')
    .option('--include <glob>', 'restore only what matches; may be given again', collect, [])
    .action((snapshot: string, options: RestoreOptions) => restore(context, snapshot, options));
}

async function restore(context: CommandContext, snapshot: string, options: RestoreOptions): Promise<void> {
  const { target, include: includes } = options;
  const problems = new ProblemList();
  const summary = await withEngine(
    context,
    options,
    (engine, running) => engine.restore({ ...running, snapshot, target, includes }),
    (event: EngineEvent) => problems.note(event),
  );
  if (summary.failed > 0) context.setExitCode(EXIT.incomplete);
  context.terminal.result({ ...summary, target, problems: problems.listed }, () => formatRestore(summary, target));
}

export function formatRestore(summary: RestoreSummary & { readonly snapshotId: string }, target: string): string {
  const { files, directories, bytes, failed, badHosts, seconds } = summary;
  return [
    `restored snapshot ${summary.snapshotId} into ${printable(target)}`,
    formatPairs([
      ['files', `${formatCount(files)} in ${formatCounted(directories, 'folder')}, ${formatBytes(bytes)}`],
      ...(failed === 0 ? [] : ([['failed', formatCount(failed)]] as const)),
      ...(badHosts.length === 0 ? [] : ([['bad hosts', formatCount(badHosts.length)]] as const)),
      ['time', formatSeconds(seconds)],
    ]),
  ].join('\n');
}

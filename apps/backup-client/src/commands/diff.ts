// `peerkeep diff SNAPSHOT SNAPSHOT`: what changed from the first to the second.
import type { Command } from 'commander';
import type { DiffSide, DiffSummary, StoredSnapshot } from '#backup';
import { formatBytes, formatCount, printable } from '../format.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';

interface DiffOptions extends CommonOptions {
  readonly metadata?: boolean;
}

const SNAPSHOT = 'latest, an id, or 8 or more of its first or last characters';
const MODIFIER_CHARS = 5;

export function diffCommand(context: CommandContext): Command {
  return newCommand('diff', 'show what changed from one snapshot to another')
    .argument('<from>', SNAPSHOT)
    .argument('<to>', SNAPSHOT)
    .option('--metadata', 'also entries whose mode, owner, times or attributes alone changed')
    .action((from: string, to: string, options: DiffOptions) => diff(context, from, to, options));
}

async function diff(context: CommandContext, from: string, to: string, options: DiffOptions): Promise<void> {
  const { terminal } = context;
  const metadata = options.metadata === true;
  const summary = await withEngine(context, options, (engine, running) =>
    engine.diff({ ...running, from, to, metadata }, ({ path, modifier }) =>
      terminal.result(
        { message_type: 'change', path, modifier },
        () => `${modifier.padEnd(MODIFIER_CHARS)}${printable(path)}`,
      ),
    ),
  );
  terminal.summary(documentOf(summary), () => formatDiff(summary));
}

type Compared = DiffSummary & { readonly from: StoredSnapshot; readonly to: StoredSnapshot };

function documentOf({ from, to, changedFiles, added, removed }: Compared) {
  const sideOf = ({ files, dirs, others, dataChunks, treeChunks, bytes }: DiffSide) => ({
    files,
    dirs,
    others,
    data_blobs: dataChunks,
    tree_blobs: treeChunks,
    bytes,
  });
  return {
    message_type: 'statistics',
    source_snapshot: from.id,
    target_snapshot: to.id,
    changed_files: changedFiles,
    added: sideOf(added),
    removed: sideOf(removed),
  };
}

export function formatDiff({ changedFiles, added, removed }: DiffSummary): string {
  const row = (title: string, of: (side: DiffSide) => number, more = ''): string =>
    `${title.padEnd(13)}${formatCount(of(added)).padStart(7)} new, ${formatCount(of(removed)).padStart(7)} removed${more}`;
  return [
    '',
    row('Files:', ({ files }) => files, `, ${formatCount(changedFiles).padStart(7)} changed`),
    row('Folders:', ({ dirs }) => dirs),
    row('Others:', ({ others }) => others),
    row('Data chunks:', ({ dataChunks }) => dataChunks),
    row('Tree chunks:', ({ treeChunks }) => treeChunks),
    `  Added:   ${formatBytes(added.bytes)}`,
    `  Removed: ${formatBytes(removed.bytes)}`,
  ].join('\n');
}

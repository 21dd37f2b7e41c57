// `peerkeep prune`: frees what no snapshot needs any more, in two steps and without keeping anybody waiting.
import { type Command, Option } from 'commander';
import { GRACE_MS_DEFAULT, MIN_AGE_MS_DEFAULT, type PruneRequest, type PruneSummary } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCounted, formatLocalTime, formatPairs } from '../format.js';
import { parseByteCount, parseDuration, parseMaxUnused } from '../parse-amounts.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { withLimits } from './limit-options.js';

export interface PruneOptions {
  readonly grace?: string;
  readonly minAge?: string;
  readonly maxUnused?: string;
  readonly maxRepackSize?: string;
  readonly repackSmall?: boolean;
  readonly dryRun?: boolean;
}

/** Objects are made to be 16 MiB; repacked when they are smaller than restic's share of that, four fifths. */
const SMALL_BYTES = Math.floor(16 * 1024 * 1024 * 0.8);

export function pruneCommand(context: CommandContext): Command {
  return withPruneOptions(withLimits(newCommand('prune', 'delete stored data that no snapshot needs any more')))
    .option('-n, --dry-run', 'only say what would be done')
    .action((options: PruneOptions & CommonOptions) => prune(context, options));
}

/** The options that say how to prune. */
export function withPruneOptions(command: Command): Command {
  return command
    .option('--max-unused <limit>', 'tolerate so much unused data: 5%, a size as 500M, or unlimited', '5%')
    .option('--max-repack-size <size>', 'copy at most so much')
    .option('--repack-small', 'also put small objects together')
    .addOption(new Option('--grace <duration>', 'from the mark to the deletion: 24h, 30m, 7d').default('24h'))
    .addOption(
      new Option('--min-age <duration>', 'leave objects that were stored more lately than this').default('24h'),
    );
}

/** throws usage */
export function pruneRequestOf(options: PruneOptions): Omit<PruneRequest, 'signal' | 'onEvent'> {
  return {
    graceMs: options.grace === undefined ? GRACE_MS_DEFAULT : parseDuration(options.grace),
    minAgeMs: options.minAge === undefined ? MIN_AGE_MS_DEFAULT : parseDuration(options.minAge),
    maxUnused: parseMaxUnused(options.maxUnused ?? '5%'),
    repackBytesMax: options.maxRepackSize === undefined ? null : parseByteCount(options.maxRepackSize),
    smallBytesMax: options.repackSmall === true ? SMALL_BYTES : null,
    dryRun: options.dryRun === true,
  };
}

async function prune(context: CommandContext, options: PruneOptions & CommonOptions): Promise<void> {
  const request = pruneRequestOf(options);
  const summary = await withEngine(context, options, (engine, running) => engine.prune({ ...running, ...request }));
  tellPruned(context, summary);
}

/** Print what a prune did, and say so in the exit code when it could not do all of it. */
export function tellPruned(context: CommandContext, summary: PruneSummary): void {
  if (!summary.complete) context.setExitCode(EXIT.incomplete);
  context.terminal.result(pruneDocument(summary), () => formatPruned(summary));
}

export function pruneDocument(summary: PruneSummary) {
  const { waiting, deleted, marked, repacked, stored } = summary;
  return {
    message_type: 'summary',
    dry_run: summary.dryRun,
    snapshots: summary.snapshots,
    objects: stored.objects,
    objects_bytes: stored.bytes,
    deleted_objects: deleted.objects,
    deleted_bytes: deleted.bytes,
    pending_objects: summary.pending,
    retained_objects: summary.retained,
    marked_objects: marked.objects,
    marked_bytes: marked.bytes,
    repacked_objects: repacked.objects,
    repacked_bytes: repacked.bytes,
    waiting_objects: waiting.objects,
    waiting_bytes: waiting.bytes,
    next_deletion: waiting.nextAtMs === null ? null : new Date(waiting.nextAtMs).toISOString(),
    unused_bytes: summary.unusedBytes,
    indexes_replaced: summary.indexesReplaced,
    notices_ended: summary.noticesEnded,
    complete: summary.complete,
  };
}

export function formatPruned(summary: PruneSummary): string {
  const { dryRun, deleted, marked, repacked, waiting, pending, retained } = summary;
  const amount = ({ objects, bytes }: PruneSummary['deleted']): string =>
    `${formatCounted(objects, 'object')}, ${formatBytes(bytes)}`;
  const words = dryRun ? { deleted: 'would delete', marked: 'would mark' } : { deleted: 'deleted', marked: 'marked' };
  const lines: [string, string][] = [
    [words.deleted, amount(deleted)],
    [words.marked, amount(marked)],
  ];
  if (repacked.objects > 0) lines.push([dryRun ? 'would repack' : 'repacked into', amount(repacked)]);
  if (waiting.objects > 0) {
    const when = waiting.nextAtMs === null ? '' : `; the first may go at ${formatLocalTime(waiting.nextAtMs)}`;
    lines.push(['waiting', `${amount(waiting)}${when}`]);
  }
  lines.push(['unused and kept', formatBytes(summary.unusedBytes)]);
  if (pending > 0) lines.push(['hosts away', `${formatCounted(pending, 'object')} to be asked for again`]);
  if (retained > 0) lines.push(['retained', `${formatCounted(retained, 'object')} that somebody promised to keep`]);
  const end = waiting.objects > 0 && !dryRun ? ['run `peerkeep prune` again after that time to delete what waits'] : [];
  return [formatPairs(lines), ...end].join('\n');
}

// `peerkeep repair`: gives objects that lost shards other hosts, and stores again from local files what nobody has any more.
import type { Command } from 'commander';
import type { RepairSummary } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCount, formatPairs } from '../format.js';
import { concernedDocument } from './check-document.js';
import { type CommandContext, type CommonOptions, collect, newCommand, withEngine } from './command-context.js';
import { withLimits } from './limit-options.js';
import { dataSubsetOf, type ReadDataOptions, withReadData } from './read-data.js';

interface RepairOptions extends CommonOptions, ReadDataOptions {
  readonly from: readonly string[];
  readonly ignoreAway?: boolean;
  readonly dryRun?: boolean;
}

export function repairCommand(context: CommandContext): Command {
  return withReadData(withLimits(newCommand('repair', 'make objects whole again that hosts have lost shards of')))
    .option('--from <path>', 'look there for files whose chunks nobody has any more; may be given again', collect, [])
    .option('--ignore-away', 'leave shards alone whose hosts are merely away')
    .option('-n, --dry-run', 'tell what would be done, and do nothing')
    .action((options: RepairOptions) => repair(context, options));
}

async function repair(context: CommandContext, options: RepairOptions): Promise<void> {
  const wish = {
    ...dataSubsetOf(options),
    from: options.from,
    ignoreAway: options.ignoreAway === true,
    dryRun: options.dryRun === true,
  };
  const summary = await withEngine(context, options, (engine, running) => engine.repair({ ...running, ...wish }));
  if (!summary.ok) context.setExitCode(EXIT.error);
  context.terminal.summary(repairDocument(summary), () => formatRepair(summary));
}

function repairDocument(summary: RepairSummary) {
  return {
    message_type: 'summary',
    dry_run: summary.dryRun,
    objects: summary.objects,
    mended_objects: summary.mendedObjects,
    mended_shards: summary.mendedShards,
    bytes_stored: summary.storedBytes,
    shards_left: summary.leftShards,
    lost_objects: summary.lostObjects,
    lost_chunks: summary.lostChunks,
    recovered_chunks: summary.recoveredChunks,
    num_files_concerned: summary.concernedFiles,
    files_concerned: summary.concerned.map(concernedDocument),
    total_duration: summary.seconds,
    ok: summary.ok,
  };
}

export function formatRepair(summary: RepairSummary): string {
  const would = summary.dryRun ? ' (would be)' : '';
  return [
    formatPairs([
      ['objects looked at', formatCount(summary.objects)],
      [`objects mended${would}`, formatCount(summary.mendedObjects)],
      [`shards put again${would}`, formatCount(summary.mendedShards)],
      ['stored', formatBytes(summary.storedBytes)],
      ['shards without a host', formatCount(summary.leftShards)],
      ['objects that are lost', formatCount(summary.lostObjects.length)],
      ['chunks that were lost', formatCount(summary.lostChunks)],
      [`of them found in local files${would}`, formatCount(summary.recoveredChunks)],
      ['files that stay damaged', formatCount(summary.concernedFiles)],
    ]),
    conclusionOf(summary),
  ].join('\n');
}

function conclusionOf({ ok, dryRun, lostChunks, concernedFiles, leftShards }: RepairSummary): string {
  if (ok) return dryRun ? 'nothing is lost for good' : 'every object is whole';
  if (dryRun && lostChunks > 0) return 'some chunks are lost: run it with --from, where the files still are';
  if (concernedFiles > 0) return 'some files stay damaged: each was named';
  return leftShards > 0 ? 'some shards found no host: try again when more hosts are online' : 'some objects are lost';
}

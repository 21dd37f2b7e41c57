// `peerkeep stats [SNAPSHOT…]`: how much the snapshots hold, and how much of it is stored.
import { type Command, Option } from 'commander';
import { type SnapshotStats, STATS_MODES, type StatsMode } from '#backup';
import { formatBytes, formatCount, formatPairs } from '../format.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { type SnapshotFilterOptions, snapshotFilterOf, withSnapshotFilter } from './snapshot-filter.js';

interface StatsOptions extends CommonOptions, SnapshotFilterOptions {
  readonly mode: StatsMode;
}

export function statsCommand(context: CommandContext): Command {
  return withSnapshotFilter(newCommand('stats', 'count what snapshots hold'))
    .argument('[snapshot...]', 'ids or latest; all snapshots that the options choose when none is given')
    .addOption(new Option('--mode <mode>', 'what is counted').choices(STATS_MODES).default('restore-size'))
    .action((snapshots: string[], options: StatsOptions) => stats(context, snapshots, options));
}

async function stats(context: CommandContext, snapshots: readonly string[], options: StatsOptions): Promise<void> {
  const { mode } = options;
  const filter = snapshotFilterOf(options);
  const counted = await withEngine(context, options, (engine, running) =>
    engine.stats({ ...running, snapshots, filter, mode }),
  );
  context.terminal.result(documentOf(counted), () => formatStats(counted, mode));
}

function documentOf({ snapshots, totalBytes, files, chunks, rawBytes, account }: SnapshotStats) {
  return {
    total_size: totalBytes,
    ...(files === null ? {} : { total_file_count: files }),
    ...(chunks === null ? {} : { total_blob_count: chunks }),
    snapshots_count: snapshots,
    ...(rawBytes === undefined
      ? {}
      : { total_uncompressed_size: rawBytes, compression_ratio: ratioOf(rawBytes, totalBytes) }),
    ...(account === undefined
      ? {}
      : { objects: account.objects, object_bytes: account.objectBytes, host_bytes: account.hostBytes }),
  };
}

export function formatStats(counted: SnapshotStats, mode: StatsMode): string {
  const { snapshots, totalBytes, files, chunks, rawBytes, account } = counted;
  return [
    `counted by ${mode}`,
    formatPairs([
      ['snapshots', formatCount(snapshots)],
      ...(files === null ? [] : ([[mode === 'restore-size' ? 'entries' : 'files', formatCount(files)]] as const)),
      ...(chunks === null ? [] : ([['chunks', formatCount(chunks)]] as const)),
      ...(rawBytes === undefined
        ? []
        : ([
            ['uncompressed', formatBytes(rawBytes)],
            ['ratio', `${ratioOf(rawBytes, totalBytes).toFixed(2)}x`],
          ] as const)),
      ['total size', formatBytes(totalBytes)],
      ...(account === undefined
        ? []
        : ([
            ['whole account', `${formatBytes(account.objectBytes)} in ${formatCount(account.objects)} objects`],
            ['on hosts', `${formatBytes(account.hostBytes)} with redundancy`],
          ] as const)),
    ]),
  ].join('\n');
}

function ratioOf(rawBytes: number, storedBytes: number): number {
  return storedBytes === 0 ? 1 : rawBytes / storedBytes;
}

// `peerkeep check`: can every snapshot be restored? And which hosts and files are concerned, where one cannot.
import type { Command } from 'commander';
import type { CheckSummary } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCount, formatCounted, formatPairs } from '../format.js';
import { checkDocument } from './check-document.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';
import { withLimits } from './limit-options.js';
import { dataSubsetOf, type ReadDataOptions, withReadData } from './read-data.js';

export function checkCommand(context: CommandContext): Command {
  return withReadData(withLimits(newCommand('check', 'check that every snapshot can be restored'))).action(
    (options: CommonOptions & ReadDataOptions) => check(context, options),
  );
}

async function check(context: CommandContext, options: CommonOptions & ReadDataOptions): Promise<void> {
  const wish = dataSubsetOf(options);
  const summary = await withEngine(context, options, (engine, running) => engine.check({ ...running, ...wish }));
  if (!summary.ok) context.setExitCode(EXIT.error);
  context.terminal.summary(checkDocument(summary), () => formatCheck(summary));
}

export function formatCheck(summary: CheckSummary): string {
  const { away, unplaced, missing, damaged } = summary.shardFaults;
  return [
    formatPairs([
      ['snapshots', formatCount(summary.snapshots)],
      ['files', formatCount(summary.files)],
      ['objects', formatCount(summary.objects)],
      ...(summary.objectsRead === 0
        ? []
        : [['read', `${formatCounted(summary.objectsRead, 'object')}, ${formatBytes(summary.bytesRead)}`] as const]),
      ['under-replicated objects', formatCount(summary.underReplicated)],
      ['shards at hosts that are away', formatCount(away)],
      ['shards that no host has', formatCount(unplaced)],
      ['shards missing at their host', formatCount(missing)],
      ['shards damaged at their host', formatCount(damaged)],
      ['unavailable objects', formatCount(summary.unavailableObjects.length)],
      ['missing chunks', formatCount(summary.missingChunks)],
      ['damaged objects', formatCount(summary.damagedObjects.length)],
      ['bad hosts', formatCount(summary.badHosts.length)],
      ['files and folders concerned', formatCount(summary.concernedFiles)],
    ]),
    ...summary.faultyHosts.map(
      ({ peerId, state, shards }) => `host ${peerId}: ${formatCounted(shards, 'shard')} ${state}`,
    ),
    summary.ok ? 'no errors were found' : 'errors were found: some files cannot be restored now',
    ...(summary.underReplicated > 0 ? ['`peerkeep repair` gives what is under-replicated other hosts'] : []),
  ].join('\n');
}

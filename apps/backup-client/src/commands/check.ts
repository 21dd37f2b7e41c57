// `peerkeep check`: can every snapshot be restored?
import type { Command } from 'commander';
import type { CheckSummary } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatCount, formatPairs } from '../format.js';
import { type CommandContext, type CommonOptions, newCommand, withEngine } from './command-context.js';

interface CheckOptions extends CommonOptions {
  readonly readData?: boolean;
}

export function checkCommand(context: CommandContext): Command {
  return newCommand('check', 'check that every snapshot can be restored')
    .option('--read-data', 'fetch and open everything that is stored')
    .action((options: CheckOptions) => check(context, options));
}

async function check(context: CommandContext, options: CheckOptions): Promise<void> {
  const readData = options.readData === true;
  const summary = await withEngine(context, options, (engine, running) => engine.check({ ...running, readData }));
  if (!summary.ok) context.setExitCode(EXIT.error);
  context.terminal.result(summary, () => formatCheck(summary));
}

export function formatCheck(summary: CheckSummary): string {
  return [
    formatPairs([
      ['snapshots', formatCount(summary.snapshots)],
      ['objects', formatCount(summary.objects)],
      ['under-replicated objects', formatCount(summary.underReplicated)],
      ['unavailable objects', formatCount(summary.unavailableObjects.length)],
      ['missing chunks', formatCount(summary.missingChunks)],
      ['damaged objects', formatCount(summary.damagedObjects.length)],
      ['bad hosts', formatCount(summary.badHosts.length)],
    ]),
    summary.ok ? 'no errors were found' : 'errors were found: some files cannot be restored now',
  ].join('\n');
}

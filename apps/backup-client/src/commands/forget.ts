// `peerkeep forget`: removes snapshots by a policy, or by their ids. What only they held is left for `prune`.
import { type Command, Option } from 'commander';
import {
  type CalendarSpan,
  type ForgetPolicy,
  type ForgetSummary,
  type Grouping,
  isEmptyPolicy,
  parseGroupings,
  parseKeepCount,
  parseSpan,
  shortIdsOf,
} from '#backup';
import { ProtocolError } from '#protocol';
import { EXIT } from '../exit-codes.js';
import {
  type CommandContext,
  type CommonOptions,
  collect,
  homePathFor,
  newCommand,
  withEngine,
} from './command-context.js';
import { forgottenDocument, formatForgotten } from './forget-report.js';
import { type PruneOptions, pruneRequestOf, tellPruned, withPruneOptions } from './prune.js';
import {
  SNAPSHOT_ARGUMENT,
  type SnapshotFilterOptions,
  snapshotFilterOf,
  withSnapshotFilter,
} from './snapshot-filter.js';

interface ForgetOptions extends CommonOptions, SnapshotFilterOptions, PruneOptions {
  readonly keepLast?: string;
  readonly keepHourly?: string;
  readonly keepDaily?: string;
  readonly keepWeekly?: string;
  readonly keepMonthly?: string;
  readonly keepYearly?: string;
  readonly keepWithin?: string;
  readonly keepWithinHourly?: string;
  readonly keepWithinDaily?: string;
  readonly keepWithinWeekly?: string;
  readonly keepWithinMonthly?: string;
  readonly keepWithinYearly?: string;
  readonly keepTag: readonly string[];
  readonly groupBy: string;
  readonly compact?: boolean;
  readonly prune?: boolean;
  readonly unsafeAllowRemoveAll?: boolean;
}

const COUNTS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
const WITHIN = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

export function forgetCommand(context: CommandContext): Command {
  const command = newCommand('forget', 'remove snapshots: those that a policy does not keep, or those named').argument(
    '[snapshot...]',
    SNAPSHOT_ARGUMENT,
  );
  for (const unit of COUNTS) {
    const what = unit === 'last' ? 'snapshots' : `${unit} snapshots`;
    command.option(`-${LETTERS[unit]}, --keep-${unit} <n>`, `keep the last n ${what}; unlimited for all`);
  }
  command.option('--keep-within <duration>', 'keep what is newer than this, before the latest: 1y5m7d2h');
  for (const unit of WITHIN) {
    command.option(`--keep-within-${unit} <duration>`, `keep ${unit} snapshots that are newer than this`);
  }
  command.option('--keep-tag <tags>', 'keep snapshots with all of these tags, a,b; may be given again', collect, []);
  return withPruneOptions(withSnapshotFilter(command, ''))
    .option(
      '-g, --group-by <group>',
      "apply the policy in groups by host, paths and/or tags; '' for none",
      'host,paths',
    )
    .option('-c, --compact', 'without paths and sizes')
    .option('-n, --dry-run', 'only say what would be removed')
    .option('--prune', 'prune afterwards, if snapshots were removed; not with --dry-run')
    .addOption(
      new Option(
        '--unsafe-allow-remove-all',
        'a group may lose its last snapshot; without a policy, all that are chosen',
      ),
    )
    .action((ids: string[], options: ForgetOptions) => forget(context, ids, options));
}

const LETTERS = { last: 'l', hourly: 'H', daily: 'd', weekly: 'w', monthly: 'm', yearly: 'y' } as const;

async function forget(context: CommandContext, ids: readonly string[], options: ForgetOptions): Promise<void> {
  const { dryRun = false, compact = false, unsafeAllowRemoveAll: removeAll = false } = options;
  // From here on the terminal knows how to print.
  homePathFor(context, options);
  const policy = policyOf(options);
  const groupBy: readonly Grouping[] = parseGroupings(options.groupBy);
  const filter = snapshotFilterOf(options);
  if (ids.length > 0 && !isEmptyPolicy(policy)) {
    throw new ProtocolError('usage', {}, { detail: 'give snapshots or a policy, not both' });
  }
  if (ids.length === 0 && isEmptyPolicy(policy) && !removeAll) {
    context.terminal.say('no policy was specified, no snapshots will be removed');
    context.terminal.result([], () => 'removed 0 snapshots');
    return;
  }
  const pruneRequest = pruneRequestOf(options);
  await withEngine(context, options, async (engine, running) => {
    const summary = await engine.forget({ ...running, ids, filter, groupBy, policy, dryRun, removeAll });
    report(context, summary, { dryRun, compact });
    if (options.prune !== true || dryRun || summary.removed.length === 0) return;
    tellPruned(context, await engine.prune({ ...running, ...pruneRequest }));
  });
}

function report(
  { terminal, setExitCode }: CommandContext,
  summary: ForgetSummary,
  { dryRun, compact }: { readonly dryRun: boolean; readonly compact: boolean },
): void {
  const shortId = shortIdsOf(summary.known);
  for (const { objectId, until } of summary.retained) {
    terminal.warn(`snapshot ${shortId(objectId)} is to be kept until ${until}, and was not removed`);
  }
  if (summary.retained.length > 0) setExitCode(EXIT.incomplete);
  const table = { shortId, compact };
  terminal.result(forgottenDocument(summary, shortId), () => formatForgotten(summary, { ...table, dryRun }));
}

/** throws usage */
function policyOf(options: ForgetOptions): ForgetPolicy {
  const { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly } = options;
  const keep = { last: keepLast, hourly: keepHourly, daily: keepDaily, weekly: keepWeekly, monthly: keepMonthly };
  const within = {
    all: options.keepWithin,
    hourly: options.keepWithinHourly,
    daily: options.keepWithinDaily,
    weekly: options.keepWithinWeekly,
    monthly: options.keepWithinMonthly,
    yearly: options.keepWithinYearly,
  };
  return {
    keep: given({ ...keep, yearly: keepYearly }, parseKeepCount),
    within: given<CalendarSpan>(within, parseSpan),
    tags: options.keepTag.map((text) => text.split(',').map((tag) => tag.trim())),
  };
}

function given<T>(texts: Record<string, string | undefined>, parse: (text: string) => T): Record<string, T> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, parse(text)]])),
  );
}

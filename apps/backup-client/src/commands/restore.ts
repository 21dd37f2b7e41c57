// `peerkeep restore SNAPSHOT[:FOLDER] --target DIR`: brings a snapshot back.
import type { Command } from 'commander';
import type { EngineEvent, RestoreSummary } from '#backup';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCount, formatCounted, formatPairs, formatSeconds, printable } from '../format.js';
import { type CommandContext, collect, homePathFor, newCommand, withEngine } from './command-context.js';
import { withKitEngine } from './kit-engine.js';
import { withLan } from './lan-options.js';
import { withLimits } from './limit-options.js';
import { ProblemList } from './problem-list.js';
import { parseSnapshotFolder, type RestoreOptions, restoreOrderOf } from './restore-options.js';
import { SNAPSHOT_ARGUMENT, snapshotFilterOf, withSnapshotFilter } from './snapshot-filter.js';

export function restoreCommand(context: CommandContext): Command {
  return withSnapshotFilter(withLan(withLimits(newCommand('restore', 'bring a snapshot back'))))
    .argument('<snapshot[:folder]>', `${SNAPSHOT_ARGUMENT}; with a folder of it, only what is below`)
    .requiredOption('-t, --target <dir>', 'folder to restore into')
    .option('-i, --include <pattern>', 'restore only what matches; may be given again', collect, [])
    .option('--iinclude <pattern>', 'the same, whatever the case of letters', collect, [])
    .option('--include-file <file>', 'read patterns from a file, one a line; may be given again', collect, [])
    .option('--iinclude-file <file>', 'the same, whatever the case of letters', collect, [])
    .option('-e, --exclude <pattern>', 'leave out what matches; may be given again', collect, [])
    .option('--iexclude <pattern>', 'the same, whatever the case of letters', collect, [])
    .option('--exclude-file <file>', 'read patterns from a file, one a line; may be given again', collect, [])
    .option('--iexclude-file <file>', 'the same, whatever the case of letters', collect, [])
    .option('--overwrite <policy>', 'what becomes of files that are there: always, if-changed, if-newer, never')
    .option('--delete', 'remove from the restored folders what the snapshot does not have there')
    .option('--sparse', 'leave holes for blocks of zeros in new files')
    .option('--verify', 'read back what was restored')
    .option(
      '--kit <file>',
      'by a recovery kit, without any broker; on a new machine, reads the recovery phrase on stdin',
    )
    .option('-n, --dry-run', 'change nothing; tell what would be done (with -vv: for each entry)')
    .action((snapshot: string, options: RestoreOptions) => restore(context, snapshot, options));
}

type RestoreResult = RestoreSummary & { readonly snapshotId: string };

async function restore(context: CommandContext, wanted: string, options: RestoreOptions): Promise<void> {
  // From here on the terminal knows how to print.
  homePathFor(context, options);
  const order = { ...(await restoreOrderOf(context, options)), ...parseSnapshotFolder(wanted) };
  const problems = new ProblemList();
  const withIts = options.kit === undefined ? withEngine : withKitEngine(options.kit);
  const summary = await withIts(
    context,
    options,
    (engine, running) => engine.restore({ ...running, filter: snapshotFilterOf(options), ...order }),
    (event: EngineEvent) => problems.note(event),
  );
  if (summary.failed > 0) context.setExitCode(EXIT.incomplete);
  context.terminal.summary(summaryDocument(summary, order, problems.listed), () => formatRestore(summary, order));
}

/** restic's members, and ours beside them. */
function summaryDocument(summary: RestoreResult, order: HowRestored, problems: ProblemList['listed']) {
  const written = summary.files - summary.filesUnchanged;
  const kinds = summary.directories + summary.symlinks + summary.specials;
  return {
    message_type: 'summary',
    ...(order.dryRun === true && { dry_run: true }),
    seconds_elapsed: summary.seconds,
    total_files: summary.files + summary.kept + summary.failed + kinds,
    files_restored: written + kinds,
    files_skipped: summary.filesUnchanged + summary.kept,
    files_deleted: summary.deleted,
    files_failed: summary.failed,
    total_bytes: summary.bytes + summary.bytesUnchanged,
    bytes_restored: summary.bytes,
    bytes_skipped: summary.bytesUnchanged,
    files: summary.files,
    dirs: summary.directories,
    symlinks: summary.symlinks,
    specials: summary.specials,
    hard_links: summary.hardLinks,
    ...(order.verify === true && { files_verified: summary.verified }),
    bytes_from_lan: summary.fetched.lan,
    bytes_from_hosts: summary.fetched.direct,
    bytes_by_relay: summary.fetched.relay,
    hosts_failed: summary.badHosts.map(({ peerId, code }) => ({ peer_id: peerId, code })),
    snapshot_id: summary.snapshotId,
    target: order.target,
    problems: problems.map(({ path, code, reason }) => ({ item: path, code, message: reason })),
  };
}

interface HowRestored {
  readonly target: string;
  readonly dryRun?: boolean;
  readonly verify?: boolean;
}

export function formatRestore(summary: RestoreResult, { target, dryRun, verify }: HowRestored): string {
  const { files, filesUnchanged, directories, bytes, kept, deleted, verified, failed, badHosts, seconds } = summary;
  const { lan } = summary.fetched;
  const row = (name: string, count: number): readonly (readonly [string, string])[] =>
    count === 0 ? [] : [[name, formatCount(count)]];
  return [
    dryRun === true
      ? `nothing was changed: this is what a restore of ${summary.snapshotId} into ${printable(target)} would do`
      : `restored snapshot ${summary.snapshotId} into ${printable(target)}`,
    formatPairs([
      [
        'files',
        `${formatCount(files)} in ${formatCounted(directories, 'folder')}, ${formatBytes(bytes)} ${dryRun === true ? 'to write' : 'written'}`,
      ],
      ...row('unchanged', filesUnchanged),
      ...row('left alone', kept),
      ...row('deleted', deleted),
      ...(verify === true ? ([['verified', formatCount(verified)]] as const) : []),
      ...row('failed', failed),
      ...row('bad hosts', badHosts.length),
      ...(lan === 0 ? [] : ([['neighbours', `${formatBytes(lan)} came from the local network`]] as const)),
      ['time', formatSeconds(seconds)],
    ]),
  ].join('\n');
}

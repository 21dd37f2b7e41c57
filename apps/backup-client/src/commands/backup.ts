// `peerkeep backup PATH…`: stores the present state of files and folders as a snapshot.
import type { Command } from 'commander';
import { type EngineEvent, isUnconfirmed, placeMarkOf, RunLog, recordRun } from '#backup';
import { ProtocolError } from '#protocol';
import { EXIT } from '../exit-codes.js';
import { type BackupOptions, wishOf } from './backup-options.js';
import { formatBackup, summaryDocument } from './backup-result.js';
import {
  type CommandContext,
  type CommonOptions,
  collect,
  homePathFor,
  newCommand,
  withEngine,
} from './command-context.js';
import { warnOfRecoveries } from './escrow.js';
import { withLimits } from './limit-options.js';
import { ProblemList } from './problem-list.js';
import { runConfigured } from './run-configured.js';

export function backupCommand(context: CommandContext): Command {
  return withLimits(newCommand('backup', 'store files and folders as a new snapshot'))
    .argument('[path...]', 'files and folders')
    .option('-e, --exclude <pattern>', 'leave out what matches; may be given again', collect, [])
    .option('--iexclude <pattern>', 'the same, whatever the case of letters', collect, [])
    .option('--exclude-file <file>', 'read patterns from a file, one a line; may be given again', collect, [])
    .option('--iexclude-file <file>', 'the same, whatever the case of letters', collect, [])
    .option('--exclude-caches', 'leave out what is in folders with a CACHEDIR.TAG')
    .option('--exclude-if-present <name[:header]>', 'leave out what is in folders with such a file', collect, [])
    .option('--exclude-larger-than <size>', 'leave out larger files: a number with K, M, G or T')
    .option('-x, --one-file-system', 'leave out what lies on other file systems')
    .option('--files-from <file>', 'read paths and patterns of paths from a file; - is stdin', collect, [])
    .option('--files-from-verbatim <file>', 'read paths from a file, one a line; - is stdin', collect, [])
    .option('--files-from-raw <file>', 'read paths from a file, each ended by a NUL; - is stdin', collect, [])
    .option('--stdin', 'back up what comes on stdin, as one file')
    .option('--stdin-filename <name>', 'name of that file', 'stdin')
    .option('--tag <tags>', 'mark the snapshot, a,b; may be given again', collect, [])
    .option('-H, --host <host>', 'say that the snapshot is of this host')
    .option('--time <time>', 'say that it is of this time: 2026-11-21 18:00:00, or now')
    .option('--parent <snapshot>', 'the snapshot whose unchanged files are not read again')
    .option('-f, --force', 'read every file again')
    .option('--ignore-ctime', 'a file with another ctime may be unchanged')
    .option('--ignore-inode', 'a file with another inode number may be unchanged')
    .option('--retain <duration>', 'nobody can delete it before: 30d, 1y6m; everything that it needs is kept as long')
    .option('--durability <class>', 'how safely what is new is kept, and for how much credit; see peerkeep credit')
    .option(
      '--region <names>',
      'only hosts that say they stand there get what is new: eu,us; may be given again',
      collect,
      [],
    )
    .option('--group <id>', 'only members of this group of peers get what is new')
    .option('-n, --dry-run', 'send and write nothing; tell what would be done')
    .option('--no-scan', 'do not count beforehand how much there is')
    .action((paths: string[], options: BackupOptions, command: Command) =>
      namesNothing(paths, options)
        ? runConfigured(context, [], plainOptions(options, command))
        : backup(context, paths, options),
    );
}

async function backup(context: CommandContext, paths: readonly string[], options: BackupOptions): Promise<void> {
  // From here on the terminal knows how to print.
  const homePath = homePathFor(context, options);
  const wish = await wishOf(context, paths, options);
  await warnOfRecoveries(context, options);
  const problems = new ProblemList();
  const summary = await withEngine(
    context,
    options,
    (engine, running) =>
      recordRun(
        { runs: new RunLog(homePath), clock: context.clock },
        null,
        () => engine.backup({ ...running, ...wish }),
        // Of another host, or of a stream, it stands for no configured backup.
        wish.hostname === undefined && wish.paths.length > 0 ? { place: placeMarkOf(wish.paths) } : {},
      ),
    (event: EngineEvent) => problems.note(event),
  );
  if (summary.skipped > 0) context.setExitCode(EXIT.incomplete);
  if (isUnconfirmed(summary)) context.setExitCode(EXIT.unreachable);
  context.terminal.summary(summaryDocument(summary, problems.listed), () => formatBackup(summary));
}

/** What is backed up is said nowhere but in the configuration. */
function namesNothing(paths: readonly string[], options: BackupOptions): boolean {
  const { filesFrom, filesFromVerbatim, filesFromRaw, stdin } = options;
  return paths.length + filesFrom.length + filesFromVerbatim.length + filesFromRaw.length === 0 && stdin !== true;
}

/** throws usage: how a configured backup is done stands in the configuration */
function plainOptions(options: BackupOptions, command: Command): CommonOptions {
  const plain = new Set(['home', 'json', 'quiet', 'verbose', 'limitUpload', 'limitDownload']);
  const given = command.options.find((option) => {
    const name = option.attributeName();
    return !plain.has(name) && command.getOptionValueSource(name) === 'cli';
  });
  if (given === undefined) return options;
  const detail = `nothing to back up: give files or folders beside ${given.long ?? given.short}`;
  throw new ProtocolError('usage', {}, { detail });
}

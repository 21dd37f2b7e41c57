// Runs the backups that client/config.json names: what timers do, and `peerkeep backup` without paths.
import { type BackupSet, backUpSet, isUnconfirmed, RunLog, readClientConfig, recordRun, warnOfFailure } from '#backup';
import { PeerHome, readHomeKey } from '#peer-home';
import { isRefusal, ProtocolError } from '#protocol';
import { EXIT } from '../exit-codes.js';
import { parseDuration } from '../parse-amounts.js';
import { formatBackup, summaryDocument } from './backup-result.js';
import { type CommandContext, type CommonOptions, homePathFor, withEngine } from './command-context.js';
import { warnOfRecoveries } from './escrow.js';
import { ProblemList } from './problem-list.js';
import { HOME_WAIT_DEFAULT } from './wait-for-home.js';

export interface RunOptions extends CommonOptions {
  /** How long to wait for another command that uses the home. */
  readonly wait?: string;
}

/**
 * Run sets one after the other; one that fails is told, its hooks run, and the others follow.
 *
 * names    of sets; all where it is empty
 * throws   usage for a name that the configuration has not, or no sets at all; else what the first failed run threw
 */
export async function runConfigured(
  context: CommandContext,
  names: readonly string[],
  options: RunOptions,
): Promise<void> {
  const homeWaitMs = parseDuration(options.wait ?? HOME_WAIT_DEFAULT);
  const home = await PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
  const config = await readClientConfig(home.path);
  const wanted = names.length === 0 ? config.backups : names.map((name) => findSet(config.backups, name));
  if (wanted.length === 0) {
    const detail = 'give paths: the configuration names no backup (`peerkeep schedule install`)';
    throw new ProtocolError('usage', {}, { detail });
  }
  const { clock, environment, signal, terminal } = context;
  const onFault = (detail: string): void => terminal.warn(detail);
  const runs = new RunLog(home.path);
  await warnOfRecoveries(context, options);
  let failure: { readonly error: unknown } | null = null;
  let isAnyUnconfirmed = false;
  for (const set of wanted) {
    try {
      if (await runSet(context, options, set, { runs, homePath: home.path, homeWaitMs })) isAnyUnconfirmed = true;
    } catch (error) {
      if (!isRefusal(error) || error.code === 'interrupted') throw error;
      if (failure === null) failure = { error };
      else terminal.warn(`backup "${set.name}" failed: ${error.message} (${error.code})`);
      const run = (await runs.read()).findLast((last) => last.set === set.name);
      const warning = { home, config, clock, environment, signal, onFault };
      if (run?.outcome === 'failure') await warnOfFailure(warning, run);
    }
  }
  // Worse news than a file that was skipped, whichever set it is of.
  if (isAnyUnconfirmed) context.setExitCode(EXIT.unreachable);
  if (failure !== null) throw failure.error;
}

interface SetRun {
  readonly runs: RunLog;
  readonly homePath: string;
  readonly homeWaitMs: number;
}

/** Returns whether its snapshot is not confirmed. */
async function runSet(
  context: CommandContext,
  options: CommonOptions,
  set: BackupSet,
  { runs, homePath, homeWaitMs }: SetRun,
): Promise<boolean> {
  const { clock, terminal } = context;
  const problems = new ProblemList();
  const scan = terminal.mode !== 'none';
  let hasBegun = false;
  const summary = await withEngine(
    context,
    options,
    (engine, running) => {
      hasBegun = true;
      return backUpSet({ engine, runs, clock }, set, { ...running, scan });
    },
    (event) => problems.note(event),
    homeWaitMs,
  ).catch((error: unknown) => {
    if (hasBegun) throw error;
    // No lock, or no engine: that is a run that failed, too.
    return recordRun({ runs: new RunLog(homePath, false), clock }, set.name, () => Promise.reject(error));
  });
  if (summary.skipped > 0) context.setExitCode(EXIT.incomplete);
  const document = { ...summaryDocument(summary, problems.listed), set: set.name };
  terminal.summary(document, () => `backup "${set.name}": ${formatBackup(summary)}`);
  return isUnconfirmed(summary);
}

/** throws usage */
export function findSet(sets: readonly BackupSet[], name: string): BackupSet {
  const set = sets.find((candidate) => candidate.name === name);
  if (set !== undefined) return set;
  throw new ProtocolError('usage', {}, { detail: `the configuration names no backup "${name}"` });
}

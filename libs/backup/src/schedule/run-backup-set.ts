// One run of a configured backup: back up, forget and prune by its retention, and write down what became of it.
import { resolve } from 'node:path';
import type { Clock } from '#process';
import { isRefusal } from '#protocol';
import type { BackupSummary, BackupWish } from '../backup/backup-request.js';
import type { BackupEngine } from '../engine.js';
import type { Running } from '../engine-call.js';
import { CACHE_TAG } from '../files/entry-selection.js';
import { parseTagFile } from '../files/tag-file.js';
import { type ForgetPolicy, parseSpan } from '../forget/forget-policy.js';
import { GRACE_MS_DEFAULT, MIN_AGE_MS_DEFAULT } from '../prune/prune-limits.js';
import { EVERY_SNAPSHOT } from '../snapshots/filter-snapshots.js';
import { parseTags } from '../snapshots/parse-tags.js';
import type { BackupSet, Retention } from './client-config.js';
import type { BackupRun, RunLog } from './run-log.js';

export type ReportedSummary = BackupSummary & { readonly reported: boolean };

/** A snapshot is on its hosts, and nobody knows yet whether it is whole for good: it is no success. Pure. */
export function isUnconfirmed({ snapshotId, reported }: ReportedSummary): boolean {
  return snapshotId !== null && !reported;
}

/** The part of the engine that a run needs. */
export type SetEngine = Pick<BackupEngine, 'backup' | 'forget' | 'mendDue' | 'prune'>;

/** As `peerkeep prune` without options. */
const PRUNE = {
  graceMs: GRACE_MS_DEFAULT,
  minAgeMs: MIN_AGE_MS_DEFAULT,
  maxUnused: { percent: 5 },
  repackBytesMax: null,
  smallBytesMax: null,
  dryRun: false,
} as const;

interface RunParts {
  readonly engine: SetEngine;
  readonly runs: RunLog;
  readonly clock: Clock;
}

/**
 * Run a set: back it up, and then forget and prune what its retention does not keep. The run log has its line before this resolves
 * or throws. The caller holds the lock of the home. A run that saves no file, of a set that had files, is told as a
 * warning, and its retention waits: a disk that is not mounted must not cost the snapshots of when it was. It waits also
 * for a snapshot that is not confirmed, which the next backup may have to withdraw.
 *
 * throws   as the engine's backup does. What fails after the snapshot is told as a warning: the backup has succeeded
 */
export async function backUpSet(
  { engine, runs, clock }: RunParts,
  set: BackupSet,
  running: Running & { readonly scan: boolean },
): Promise<ReportedSummary> {
  const hadFiles = (await runs.read()).some((run) => run.set === set.name && (run.files ?? 0) > 0);
  const backup = () => engine.backup({ ...wishOf(set), ...running });
  const summary = await recordRun({ runs, clock }, set.name, backup, { hadFiles });
  await mendShards(engine, running);
  if (isLossOfAll(summary, hadFiles)) {
    const detail = `backup "${set.name}" holds no file, and earlier ones did: no old snapshot is removed`;
    running.onEvent({ kind: 'warning', code: 'backup_empty', detail });
    return summary;
  }
  // With nothing in it, and nothing known of earlier runs, it is no reason to remove anything either.
  const mayForget = holdsAnything(summary) && !isUnconfirmed(summary);
  if (set.retention !== undefined && mayForget) await forgetOld(engine, set, set.retention, running);
  return summary;
}

/**
 * Do a backup and write down what became of it.
 *
 * set     of the configuration; null for paths that a person gave
 * about   place: the mark of those paths (placeMarkOf); hadFiles: earlier runs of the set saved files
 * throws  what `backup` throws, after that is written down
 */
export async function recordRun<T extends ReportedSummary>(
  { runs, clock }: Omit<RunParts, 'engine'>,
  set: string | null,
  backup: () => Promise<T>,
  { place, hadFiles = false }: { readonly place?: string; readonly hadFiles?: boolean } = {},
): Promise<T> {
  const startedAtMs = clock.nowMs();
  const frame = { set, ...(place !== undefined && { place }), startedAtMs };
  try {
    const summary = await backup();
    if (!summary.dryRun) await runs.append({ ...frame, endedAtMs: clock.nowMs(), ...resultOf(summary, hadFiles) });
    return summary;
  } catch (error) {
    await runs.append({ ...frame, endedAtMs: clock.nowMs(), ...failureOf(error) });
    throw error;
  }
}

/** What a set asks of a backup. Pure. */
export function wishOf(set: BackupSet): BackupWish {
  return {
    paths: set.paths,
    excludes: set.excludes,
    excludesIgnoringCase: set.iexcludes,
    excludeIfPresent: [...set.excludeIfPresent.map(parseTagFile), ...(set.excludeCaches ? [CACHE_TAG] : [])],
    fileBytesMax: set.excludeLargerThanBytes ?? null,
    oneFileSystem: set.oneFileSystem,
    tags: set.tags,
    ...(set.durability !== undefined && { durability: set.durability }),
    ...(set.regions !== undefined && { regions: set.regions }),
    ...(set.group !== undefined && { group: set.group }),
  };
}

/** What a set's retention keeps. Pure. throws usage for a span that is none */
export function policyOf(retention: Retention): ForgetPolicy {
  const { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, keepWithin, keepTags } = retention;
  return {
    keep: {
      last: keepLast ?? 0,
      hourly: keepHourly ?? 0,
      daily: keepDaily ?? 0,
      weekly: keepWeekly ?? 0,
      monthly: keepMonthly ?? 0,
      yearly: keepYearly ?? 0,
    },
    within: keepWithin === undefined ? {} : { all: parseSpan(keepWithin) },
    tags: keepTags.map(parseTags),
  };
}

/** Only this machine's own snapshots of exactly these paths and tags: others have a retention of their own, or none. */
async function forgetOld(engine: SetEngine, set: BackupSet, retention: Retention, running: Running): Promise<void> {
  const { signal, onEvent } = running;
  const ofBackup = { paths: set.paths.map((path) => resolve(path)), tags: set.tags };
  const request = {
    ids: [],
    filter: EVERY_SNAPSHOT,
    ofBackup,
    groupBy: ['host', 'paths'] as const,
    dryRun: false,
    removeAll: false,
  };
  try {
    await engine.forget({ ...request, policy: policyOf(retention), signal, onEvent });
    // Also where nothing was forgotten: what an earlier run marked may be ripe.
    if (retention.prune) await engine.prune({ ...PRUNE, signal, onEvent });
  } catch (error) {
    if (!isRefusal(error) || error.code === 'interrupted') throw error;
    onEvent({ kind: 'warning', code: error.code, detail: `old snapshots of "${set.name}" stay: ${error.message}` });
  }
}

/** What hosts have lost since the last run. Others repair it where this machine cannot, so a failure is told, and that is all. */
async function mendShards(engine: SetEngine, { signal, onEvent }: Running): Promise<void> {
  try {
    await engine.mendDue({ signal, onEvent });
  } catch (error) {
    if (!isRefusal(error) || error.code === 'interrupted') throw error;
    onEvent({
      kind: 'warning',
      code: error.code,
      detail: `shards that hosts lost are not put again: ${error.message}`,
    });
  }
}

function isLossOfAll({ files, dryRun }: BackupSummary, hadFiles: boolean): boolean {
  return hadFiles && files === 0 && !dryRun;
}

function holdsAnything({ files, symlinks, specials }: BackupSummary): boolean {
  return files + symlinks + specials > 0;
}

function resultOf(summary: ReportedSummary, hadFiles: boolean): Omit<BackupRun, RunFrame> {
  const { snapshotId, skipped, files, sourceBytes, newBytes } = summary;
  const isEmpty = isLossOfAll(summary, hadFiles);
  return {
    outcome: isUnconfirmed(summary) ? 'unconfirmed' : skipped > 0 || isEmpty ? 'incomplete' : 'success',
    ...(isEmpty && { code: 'backup_empty' as const }),
    ...(snapshotId === null ? {} : { snapshotId }),
    ...{ files, bytes: sourceBytes, bytesNew: newBytes },
  };
}

function failureOf(error: unknown): Omit<BackupRun, RunFrame> {
  if (isRefusal(error, 'interrupted')) return { outcome: 'interrupted', code: error.code };
  const message = error instanceof Error ? error.message : String(error);
  return { outcome: 'failure', code: isRefusal(error) ? error.code : 'internal', message };
}

type RunFrame = 'set' | 'place' | 'startedAtMs' | 'endedAtMs';

// Which backups have not succeeded for too long, and whether somebody is told of it at present. Pure.
import type { BackupSet, ClientConfig } from './client-config.js';
import { DAY_MS, WARN_AGAIN_MS } from './limits.js';
import { placeMarkOf } from './place-mark.js';
import { type BackupRun, hasSucceeded } from './run-log.js';

/** What is remembered between checks. */
export interface WarningState {
  /** When this home was first looked at: a set that never succeeded is overdue from then on. */
  readonly knownSinceMs: number;
  /** When somebody was last told, by set; a set that succeeded is taken out. */
  readonly warnedAtMs: Readonly<Record<string, number>>;
}

export interface SetStanding {
  /** The set of the configuration; null where there is none and any backup counts. */
  readonly set: string | null;
  readonly lastSuccess: BackupRun | null;
  readonly lastRun: BackupRun | null;
  readonly isOverdue: boolean;
  /** Days without a success; since this home is known where there never was one. */
  readonly days: number;
  /** Overdue, and nobody has been told for a day. */
  readonly isToBeTold: boolean;
}

/** The name under which a set is remembered; no set has this one. */
export const ANY_BACKUP = '*';

/** How every set stands. A clock that went back makes nothing overdue, and what it remembers of the future is not believed. */
export function decideOverdue(
  config: ClientConfig,
  runs: readonly BackupRun[],
  state: WarningState,
  nowMs: number,
): SetStanding[] {
  const sets = config.backups.length === 0 ? [null] : config.backups;
  return sets.map((configured) => {
    const set = configured?.name ?? null;
    const counts = configured === null ? () => true : isOfSet(configured);
    const own = runs.filter((run) => counts(run) && run.endedAtMs <= nowMs + DAY_MS);
    const lastSuccess = own.findLast(hasSucceeded) ?? null;
    const lastRun = own.at(-1) ?? null;
    const since = lastSuccess?.endedAtMs ?? Math.min(state.knownSinceMs, own[0]?.startedAtMs ?? nowMs, nowMs);
    const days = Math.max(0, (nowMs - since) / DAY_MS);
    const isOverdue = days >= config.overdueDays;
    const warnedAtMs = state.warnedAtMs[set ?? ANY_BACKUP];
    const isToldAlready = warnedAtMs !== undefined && warnedAtMs <= nowMs && nowMs - warnedAtMs < WARN_AGAIN_MS;
    return { set, lastSuccess, lastRun, isOverdue, days, isToBeTold: isOverdue && !isToldAlready };
  });
}

/** Its own runs, and those that a person did by hand of the same paths, where they succeeded. */
function isOfSet({ name, paths }: BackupSet): (run: BackupRun) => boolean {
  const place = placeMarkOf(paths);
  return (run) => run.set === name || (run.set === null && run.place === place && hasSucceeded(run));
}

/** What is remembered after these were told. */
export function stateAfter(state: WarningState, standings: readonly SetStanding[], nowMs: number): WarningState {
  const warned: [string, number][] = standings.flatMap(({ set, isOverdue, isToBeTold }) => {
    const name = set ?? ANY_BACKUP;
    if (!isOverdue) return [];
    return [[name, isToBeTold ? nowMs : (state.warnedAtMs[name] ?? nowMs)]];
  });
  return { knownSinceMs: Math.min(state.knownSinceMs, nowMs), warnedAtMs: Object.fromEntries(warned) };
}

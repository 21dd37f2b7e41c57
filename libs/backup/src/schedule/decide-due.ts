// Which of the configured backups are due, for an agent that runs them itself. Pure.
import { lastDue, parseCadence } from './cadence.js';
import type { BackupSet, ClientConfig } from './client-config.js';
import { DAY_MS, RETRY_MS_MAX, RETRY_MS_MIN } from './limits.js';
import { type BackupRun, hasSucceeded } from './run-log.js';

/** How much later than its time a run begins: a share from 0 to 1 of the set's jitter, the same for one time of one set. */
export type JitterOf = (set: string, dueAtMs: number) => number;

/**
 * The sets that are due, those that wait longest first.
 *
 * A time that was missed, because the machine was off or another run was under way, is caught up once. A run that failed
 * is tried again after a while, twice as long each time, and at the next time at the latest.
 */
export function decideDue(
  config: ClientConfig,
  runs: readonly BackupRun[],
  jitterOf: JitterOf,
  nowMs: number,
): BackupSet[] {
  return config.backups
    .map((set) => ({ set, dueAtMs: dueAt(set, runs, jitterOf, nowMs) }))
    .filter(({ dueAtMs }) => dueAtMs !== null && dueAtMs <= nowMs)
    .sort((left, right) => left.dueAtMs! - right.dueAtMs!)
    .map(({ set }) => set);
}

/** When the set's next run is or was due, looking back from the present; null when there is nothing to do until its next time. */
function dueAt(set: BackupSet, runs: readonly BackupRun[], jitterOf: JitterOf, nowMs: number): number | null {
  const { schedule, name } = set;
  if (schedule === undefined || schedule.onCalendar !== undefined) return null;
  const timeMs = lastDue(parseCadence(schedule), nowMs);
  const jitterMs = jitterOf(name, timeMs) * schedule.jitterMinutes * 60_000;
  const dueAtMs = timeMs + jitterMs;
  // What lies in the future was written by a clock that was wrong.
  const own = runs.filter((run) => run.set === name && run.startedAtMs <= nowMs + DAY_MS);
  const last = own.at(-1);
  if (last === undefined || last.startedAtMs < timeMs) return dueAtMs;
  if (hasSucceeded(last)) return null;
  const failures = own.length - 1 - own.findLastIndex(hasSucceeded);
  return last.endedAtMs + Math.min(RETRY_MS_MIN * 2 ** Math.min(failures - 1, 20), RETRY_MS_MAX);
}

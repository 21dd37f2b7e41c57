// Bounds of scheduled backups: what the configuration may say, what is remembered, and how hooks run.
import { strict as assert } from 'node:assert';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const CONFIG_BYTES_MAX = 1024 * 1024;
export const SETS_MAX = 64;
export const LIST_MAX = 10_000;

/** Runs that are remembered; the file holds up to twice as many lines before it is written anew. */
export const RUNS_KEPT_MAX = 1_000;
export const RUN_LINE_BYTES_MAX = 4 * 1024;

/** After a failure the next try waits, twice as long each time. */
export const RETRY_MS_MIN = 5 * MINUTE_MS;
export const RETRY_MS_MAX = 6 * HOUR_MS;
/** How often the daemon looks whether something is due. */
export const DUE_CHECK_MS = 30_000;

export const OVERDUE_DAYS_DEFAULT = 7;
export const WARN_AGAIN_MS = DAY_MS;

export const HOOK_SECONDS_DEFAULT = 60;
export const HOOK_SECONDS_MAX = 3_600;
export const HOOK_KILL_MS = 5_000;
export const HOOK_TALK_CHARS_MAX = 1_024;

assert(RETRY_MS_MIN < RETRY_MS_MAX);
// A failed daily backup is tried again before the next day's.
assert(RETRY_MS_MAX < DAY_MS);
assert(DUE_CHECK_MS <= RETRY_MS_MIN);
assert(HOOK_SECONDS_DEFAULT <= HOOK_SECONDS_MAX);

// How much of the time a host is there, by windows of half a day, so that a bad hour is soon paid off and a bad habit never
// is. Pure.

const HOUR_MS = 60 * 60_000;
export const UPTIME_WINDOW_MS = 12 * HOUR_MS;
/** Windows that count. */
export const UPTIME_WINDOWS = 60;

export interface UptimeWindow {
  readonly asked: number;
  readonly answered: number;
}

/** Past windows by their sum, and the one that runs. */
export interface UptimeRecord {
  /** Of each past window in which somebody asked, the share of answers; added up. */
  readonly shares: number;
  readonly windows: number;
  readonly current: UptimeWindow;
}

export function windowOf(atMs: number): number {
  return atMs - (atMs % UPTIME_WINDOW_MS);
}

/** The first window that still counts. */
export function firstWindow(nowMs: number): number {
  return windowOf(nowMs) - (UPTIME_WINDOWS - 1) * UPTIME_WINDOW_MS;
}

/**
 * 0 to 1: the mean over windows, whatever number of questions each had; null for a host that nobody asked.
 *
 * source   after Storj's "Storage Node Downtime Tracking" (audit windows of 12 h, 30 days of them)
 */
export function uptimeFrom({ shares, windows, current: { asked, answered } }: UptimeRecord): number | null {
  const all = windows + (asked > 0 ? 1 : 0);
  return all === 0 ? null : (shares + (asked > 0 ? answered / asked : 0)) / all;
}

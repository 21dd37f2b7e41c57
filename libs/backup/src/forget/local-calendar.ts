// The calendar of a time zone that changes its offset: in which hour, day, week, month and year a time lies, and the same
// hour of the clock some years, months and days earlier. Pure.

/** How many minutes the local time of a zone is ahead of UTC at a time. */
export type OffsetMinutesOf = (ms: number) => number;

/** Numbers that are equal for two times in the same hour, day, ... of the zone; not contiguous. */
export type CalendarUnit = 'hour' | 'day' | 'week' | 'month' | 'year';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * The hour that the clock shows twice when summer time ends is one hour here, as it is for restic. Weeks are those of
 * ISO 8601: from Monday, and the first one has the first Thursday of its year.
 */
export function unitNumber(ms: number, unit: CalendarUnit, offsetMinutesOf: OffsetMinutesOf): number {
  const local = new Date(ms + offsetMinutesOf(ms) * MINUTE_MS);
  const month = local.getUTCFullYear() * 100 + local.getUTCMonth() + 1;
  switch (unit) {
    case 'year':
      return local.getUTCFullYear();
    case 'month':
      return month;
    case 'week':
      return isoWeek(local);
    case 'day':
      return month * 100 + local.getUTCDate();
    case 'hour':
      return (month * 100 + local.getUTCDate()) * 100 + local.getUTCHours();
  }
}

/** A span of the calendar: `2y5m7d3h`. */
export interface CalendarSpan {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

/**
 * So much earlier. Years, months and days go by the clock on the wall: a day that is 25 hours long counts as one, and
 * the 31st of a month that has 30 days is the 1st of the next (as in Go's Time.AddDate, and so in restic). A local time
 * that summer time leaves out, or shows twice, is read as Go's time.Date reads it.
 */
export function earlier(ms: number, span: CalendarSpan, offsetMinutesOf: OffsetMinutesOf): number {
  const local = new Date(ms + offsetMinutesOf(ms) * MINUTE_MS);
  const wallMs = local.setUTCFullYear(
    local.getUTCFullYear() - span.years,
    local.getUTCMonth() - span.months,
    local.getUTCDate() - span.days,
  );
  const guess = offsetMinutesOf(wallMs);
  const offset = offsetMinutesOf(wallMs - guess * MINUTE_MS);
  return wallMs - offset * MINUTE_MS - span.hours * 60 * MINUTE_MS;
}

function isoWeek(local: Date): number {
  const weekday = (local.getUTCDay() + 6) % 7;
  const thursday = new Date(local.getTime() + (3 - weekday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return year * 100 + week;
}

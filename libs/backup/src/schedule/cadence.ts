// When a backup runs: every hour, day or week at a time of this machine's clock. Pure.
import { ProtocolError } from '#protocol';

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export type Cadence =
  | { readonly every: 'hourly'; readonly minute: number }
  | { readonly every: 'daily'; readonly hour: number; readonly minute: number }
  | { readonly every: 'weekly'; readonly weekday: Weekday; readonly hour: number; readonly minute: number };

/** What a person writes: `{ every: 'daily', at: '02:30' }`, `{ every: 'weekly', on: 'sunday', at: '03:00' }`. */
export interface CadenceText {
  readonly every?: 'hourly' | 'daily' | 'weekly' | undefined;
  /** HH:MM; of `hourly`, the minutes count. */
  readonly at?: string | undefined;
  readonly on?: Weekday | undefined;
}

const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** throws   usage */
export function parseCadence({ every = 'daily', at = '02:00', on }: CadenceText): Cadence {
  const match = TIME.exec(at);
  if (match === null) throw new ProtocolError('usage', {}, { detail: `"${at}" is no time of day like 02:30` });
  if (on !== undefined && every !== 'weekly') {
    throw new ProtocolError('usage', {}, { detail: 'a day of the week needs "weekly"' });
  }
  const [hour, minute] = [Number(match[1]), Number(match[2])];
  if (every === 'hourly') return { every, minute };
  return every === 'daily' ? { every, hour, minute } : { every, weekday: on ?? 'sunday', hour, minute };
}

/** For a systemd timer (systemd.time(7) "Calendar Events"). */
export function onCalendarOf(cadence: Cadence): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  if (cadence.every === 'hourly') return `*-*-* *:${two(cadence.minute)}:00`;
  const time = `*-*-* ${two(cadence.hour)}:${two(cadence.minute)}:00`;
  if (cadence.every === 'daily') return time;
  return `${cadence.weekday[0]!.toUpperCase()}${cadence.weekday.slice(1, 3)} ${time}`;
}

/**
 * The last time at or before `ms` at which this cadence falls due. Times of day are those of this machine's time zone: one
 * that a change of the clocks leaves out falls due just after the gap, one that comes twice falls due once.
 */
export function lastDue(cadence: Cadence, ms: number): number {
  for (let back = 0; ; back++) {
    const due = occurrence(cadence, ms, -back);
    if (due <= ms) return due;
  }
}

/** The first time after `ms` at which this cadence falls due. */
export function nextDue(cadence: Cadence, ms: number): number {
  for (let on = 0; ; on++) {
    const due = occurrence(cadence, ms, on);
    if (due > ms) return due;
  }
}

/** The occurrence in the hour, day or week of `ms`, moved by so many of them. */
function occurrence(cadence: Cadence, ms: number, moved: number): number {
  const date = new Date(ms);
  const [year, month, day] = [date.getFullYear(), date.getMonth(), date.getDate()];
  if (cadence.every === 'hourly') {
    // Hours of real time: in the night when clocks go back, an hour comes twice, and so does its backup.
    const past = (date.getMinutes() - cadence.minute) * 60_000 + date.getSeconds() * 1_000 + date.getMilliseconds();
    return ms - past + moved * 3_600_000;
  }
  const { hour, minute } = cadence;
  if (cadence.every === 'daily') return new Date(year, month, day + moved, hour, minute).getTime();
  const toWeekday = WEEKDAYS.indexOf(cadence.weekday) - date.getDay();
  return new Date(year, month, day + toWeekday + moved * 7, hour, minute).getTime();
}

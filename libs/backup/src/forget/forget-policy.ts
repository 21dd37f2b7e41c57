// What `forget` keeps, as a person says it: counts, spans of time and tags, in restic's words. Pure.
import { ProtocolError } from '#protocol';
import type { CalendarSpan } from './local-calendar.js';

/** One of each hour, day, ...; `last` is one of each snapshot. */
export const KEEP_UNITS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type KeepUnit = (typeof KEEP_UNITS)[number];
/** `all` is every snapshot within the span. */
export const WITHIN_UNITS = ['all', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type WithinUnit = (typeof WITHIN_UNITS)[number];

export interface ForgetPolicy {
  /** How many of the last to keep; Infinity for all of them. What is missing is 0. */
  readonly keep: Readonly<Partial<Record<KeepUnit, number>>>;
  /** Counted back from the latest snapshot of the group. */
  readonly within: Readonly<Partial<Record<WithinUnit, CalendarSpan>>>;
  /** Snapshots with all tags of one of these lists are kept whatever the rest says. */
  readonly tags: readonly (readonly string[])[];
}

const SPAN = /^(?:\d{1,9}[ymdh])+$/;

export function isEmptyPolicy({ keep, within, tags }: ForgetPolicy): boolean {
  const counts = Object.values(keep).some((count) => count > 0);
  return !counts && !Object.values(within).some((span) => !isZero(span)) && tags.length === 0;
}

export function isZero({ years, months, days, hours }: CalendarSpan): boolean {
  return years === 0 && months === 0 && days === 0 && hours === 0;
}

/** `7`, or `-1` and `unlimited` for all. throws usage */
export function parseKeepCount(text: string): number {
  if (text === '-1' || text === 'unlimited') return Number.POSITIVE_INFINITY;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usage(`${text}: give a number, or unlimited`);
}

/** `1y5m7d2h`: years, months, days and hours. throws usage */
export function parseSpan(text: string): CalendarSpan {
  if (!SPAN.test(text)) throw usage(`${text}: give a time like 1y5m7d2h`);
  const counts: Record<string, number> = {};
  for (const [, count, unit] of text.matchAll(/(\d+)([ymdh])/g)) counts[unit!] = Number(count);
  const { y: years = 0, m: months = 0, d: days = 0, h: hours = 0 } = counts;
  return { years, months, days, hours };
}

/** As restic writes it in its reasons. */
export function formatSpan({ years, months, days, hours }: CalendarSpan): string {
  return [
    [years, 'y'],
    [months, 'm'],
    [days, 'd'],
    [hours, 'h'],
  ]
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('');
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}

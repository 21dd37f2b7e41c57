// Decides which snapshots of a group a policy keeps, and why. Pure.
//
// The rules are restic's (0.14, internal/restic/snapshot_policy.go), and a test runs restic beside them: a script that
// says what restic keeps says what Peerkeep keeps.
import { timeOf } from '#protocol';
import { hasTags } from '../snapshots/filter-snapshots.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import {
  type ForgetPolicy,
  formatSpan,
  isEmptyPolicy,
  isZero,
  KEEP_UNITS,
  type KeepUnit,
  WITHIN_UNITS,
} from './forget-policy.js';
import { type CalendarUnit, earlier, type OffsetMinutesOf, unitNumber } from './local-calendar.js';

export interface KeptSnapshot {
  readonly stored: StoredSnapshot;
  /** `daily snapshot`, `within 1y`, `has tags [a, b]`, ... */
  readonly reasons: readonly string[];
  /** How many of each more the policy has room for, after this one; those of 0 are left out. */
  readonly counters: Readonly<Partial<Record<KeepUnit, number>>>;
}

/** Both newest first. */
export interface ForgetDecision {
  readonly keep: readonly KeptSnapshot[];
  readonly remove: readonly StoredSnapshot[];
}

type Units = Record<Exclude<KeepUnit, 'last'>, CalendarUnit>;
const UNIT_OF: Units = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' };

/**
 * list             the snapshots of one group, in any order
 * offsetMinutesOf  the time zone whose hours, days and weeks are meant
 *
 * An empty policy keeps everything.
 */
export function decideForget(
  list: readonly StoredSnapshot[],
  policy: ForgetPolicy,
  offsetMinutesOf: OffsetMinutesOf,
): ForgetDecision {
  const newestFirst = list.toSorted(
    (left, right) =>
      timeOf(right.snapshot.time) - timeOf(left.snapshot.time) ||
      (left.id < right.id ? 1 : left.id > right.id ? -1 : 0),
  );
  if (isEmptyPolicy(policy)) {
    return { keep: newestFirst.map((stored) => ({ stored, reasons: ['policy is empty'], counters: {} })), remove: [] };
  }
  const [latest] = newestFirst;
  if (latest === undefined) return { keep: [], remove: [] };

  const rules = [
    ...withinAll(policy, timeOf(latest.snapshot.time), offsetMinutesOf),
    ...countRules(policy, offsetMinutesOf),
  ];
  rules.push(...withinRules(policy, timeOf(latest.snapshot.time), offsetMinutesOf));
  const keep: KeptSnapshot[] = [];
  const remove: StoredSnapshot[] = [];
  const left: Partial<Record<KeepUnit, number>> = { ...policy.keep };
  for (const stored of newestFirst) {
    const ms = timeOf(stored.snapshot.time);
    const reasons = policy.tags
      .filter((wanted) => hasTags(stored.snapshot.tags, wanted))
      .map((wanted) => `has tags [${wanted.join(', ')}]`);
    for (const rule of rules) {
      if (!rule.keeps(ms)) continue;
      reasons.push(rule.reason);
      if (rule.counter !== undefined) left[rule.counter]!--;
    }
    if (reasons.length === 0) remove.push(stored);
    else keep.push({ stored, reasons, counters: countersOf(left) });
  }
  return { keep, remove };
}

/** Asked for each snapshot once, newest first: a rule remembers what it has kept. */
interface Rule {
  readonly reason: string;
  readonly counter?: KeepUnit;
  readonly keeps: (ms: number) => boolean;
}

function withinAll({ within }: ForgetPolicy, latestMs: number, offsetMinutesOf: OffsetMinutesOf): Rule[] {
  const span = within.all;
  if (span === undefined || isZero(span)) return [];
  const sinceMs = earlier(latestMs, span, offsetMinutesOf);
  return [{ reason: `within ${formatSpan(span)}`, keeps: (ms) => ms > sinceMs }];
}

function countRules({ keep }: ForgetPolicy, offsetMinutesOf: OffsetMinutesOf): Rule[] {
  return KEEP_UNITS.flatMap((unit): Rule[] => {
    let left = keep[unit] ?? 0;
    if (left === 0) return [];
    const isFirst = unit === 'last' ? () => true : firstOfUnit(UNIT_OF[unit], offsetMinutesOf);
    const keeps = (ms: number): boolean => {
      if (left === 0 || !isFirst(ms)) return false;
      left--;
      return true;
    };
    return [{ reason: `${unit} snapshot`, counter: unit, keeps }];
  });
}

function withinRules({ within }: ForgetPolicy, latestMs: number, offsetMinutesOf: OffsetMinutesOf): Rule[] {
  return WITHIN_UNITS.flatMap((unit): Rule[] => {
    const span = within[unit];
    if (unit === 'all' || span === undefined || isZero(span)) return [];
    const sinceMs = earlier(latestMs, span, offsetMinutesOf);
    const isFirst = firstOfUnit(UNIT_OF[unit], offsetMinutesOf);
    return [{ reason: `${unit} within ${formatSpan(span)}`, keeps: (ms) => ms > sinceMs && isFirst(ms) }];
  });
}

/** Says of each time, newest first, whether it is the first that is asked about in its hour, day, ... */
function firstOfUnit(unit: CalendarUnit, offsetMinutesOf: OffsetMinutesOf): (ms: number) => boolean {
  let before: number | null = null;
  return (ms) => {
    const number = unitNumber(ms, unit, offsetMinutesOf);
    const isFirst = number !== before;
    before = number;
    return isFirst;
  };
}

function countersOf(left: Partial<Record<KeepUnit, number>>): Partial<Record<KeepUnit, number>> {
  return Object.fromEntries(
    Object.entries(left).filter(([, count]) => count > 0 && count !== Number.POSITIVE_INFINITY),
  );
}

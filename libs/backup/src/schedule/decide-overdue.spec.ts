// A backup that did not succeed for too long is told once, and again each day, whatever the clock does.
import { describe, expect, it } from 'vitest';
import { parseClientConfig } from './client-config.js';
import { ANY_BACKUP, decideOverdue, stateAfter } from './decide-overdue.js';
import { DAY_MS } from './limits.js';
import { placeMarkOf } from './place-mark.js';
import type { BackupRun } from './run-log.js';

const NOW = 1_000 * DAY_MS;
const config = parseClientConfig({ backups: [{ name: 'a', paths: ['/a'] }] });
const anyConfig = parseClientConfig({});
const unknown = { knownSinceMs: NOW, warnedAtMs: {} };

const run = (daysAgo: number, outcome: BackupRun['outcome'], set: string | null = 'a'): BackupRun => {
  return { set, startedAtMs: NOW - daysAgo * DAY_MS, endedAtMs: NOW - daysAgo * DAY_MS, outcome };
};

describe('a backup', () => {
  it.each<[string, BackupRun[], boolean]>([
    ['that succeeded yesterday', [run(1, 'success')], false],
    ['that succeeded a little less than 7 days ago', [run(6.99, 'success')], false],
    ['that succeeded 7 days ago', [run(7, 'success')], true],
    ['that left out some files yesterday', [run(9, 'success'), run(1, 'incomplete')], false],
    ['that failed since', [run(8, 'success'), run(1, 'failure')], true],
    ['that was stopped since', [run(8, 'success'), run(1, 'interrupted')], true],
    ['that never succeeded, and failed first 8 days ago', [run(8, 'failure'), run(1, 'failure')], true],
    ['that never ran, on a machine that is new', [], false],
    ['whose machine backed up something else', [run(8, 'success'), run(1, 'success', null)], true],
    ['that is said to have succeeded next year', [run(8, 'success'), run(-400, 'success')], true],
  ])('%s', (_what, runs, isOverdue) => {
    expect(decideOverdue(config, runs, unknown, NOW)).toMatchObject([{ set: 'a', isOverdue, isToBeTold: isOverdue }]);
  });

  it('by hand of the same paths counts where it succeeded, and one of other paths does not', () => {
    const byHand = (paths: string[], outcome: BackupRun['outcome'] = 'success'): BackupRun => {
      return { ...run(1, outcome, null), place: placeMarkOf(paths) };
    };
    const standing = (last: BackupRun) => decideOverdue(config, [run(9, 'success'), last], unknown, NOW)[0]!;
    for (const paths of [['/a'], ['/a/'], ['/a', '/a'], ['/b/../a']]) {
      expect(standing(byHand(paths))).toMatchObject({ isOverdue: false, lastSuccess: { set: null } });
    }
    for (const paths of [['/b'], ['/a', '/b'], ['/a/b'], []]) expect(standing(byHand(paths)).isOverdue).toBe(true);
    expect(standing(byHand(['/a'], 'failure'))).toMatchObject({ isOverdue: true, lastRun: { set: 'a' } });
  });

  it('of any kind counts where none is configured', () => {
    expect(decideOverdue(anyConfig, [run(1, 'success', null)], unknown, NOW)[0]!.isOverdue).toBe(false);
    expect(decideOverdue(anyConfig, [run(8, 'success', null)], unknown, NOW)[0]!.isOverdue).toBe(true);
  });

  it('that never ran is overdue when the machine is known for long', () => {
    expect(decideOverdue(config, [], { ...unknown, knownSinceMs: NOW - 8 * DAY_MS }, NOW)[0]!.isOverdue).toBe(true);
  });
});

describe('a warning', () => {
  const runs = [run(8, 'success')];
  const toldAt = (nowMs: number, warnedAtMs: Record<string, number>): boolean =>
    decideOverdue(config, runs, { knownSinceMs: 0, warnedAtMs }, nowMs)[0]!.isToBeTold;

  it('is given once, and again a day later', () => {
    expect([toldAt(NOW, {}), toldAt(NOW, { a: NOW }), toldAt(NOW + DAY_MS - 1, { a: NOW })]).toEqual([
      true,
      false,
      false,
    ]);
    expect(toldAt(NOW + DAY_MS, { a: NOW })).toBe(true);
  });

  it('is not put off by one that a wrong clock gave in the future', () => {
    expect(toldAt(NOW, { a: NOW + 400 * DAY_MS })).toBe(true);
  });

  it('is remembered while it holds, and forgotten after a success', () => {
    const first = stateAfter(unknown, decideOverdue(config, runs, unknown, NOW), NOW);
    expect(first.warnedAtMs).toEqual({ a: NOW });
    const later = stateAfter(first, decideOverdue(config, runs, first, NOW + 5), NOW + 5);
    expect(later.warnedAtMs).toEqual({ a: NOW });
    expect(stateAfter(first, decideOverdue(config, [run(0, 'success')], first, NOW), NOW).warnedAtMs).toEqual({});
    const any = stateAfter(unknown, decideOverdue(anyConfig, runs, unknown, NOW), NOW);
    expect(any.warnedAtMs).toEqual({ [ANY_BACKUP]: NOW });
  });
});

// What an agent runs by itself, and when: at its time, once, caught up when missed, again after a failure but not at once.
import { describe, expect, it } from 'vitest';
import { parseClientConfig } from './client-config.js';
import { decideDue } from './decide-due.js';
import type { BackupRun } from './run-log.js';

const at = (text: string): number => new Date(`2026-11-${text}`).getTime();
const MINUTE_MS = 60_000;

const config = parseClientConfig({
  backups: [
    { name: 'daily', paths: ['/a'], schedule: { every: 'daily', at: '02:00', jitterMinutes: 60 } },
    { name: 'by-systemd', paths: ['/a'], schedule: { onCalendar: 'daily' } },
    { name: 'by-hand', paths: ['/a'] },
  ],
});

function dueAt(text: string, runs: readonly BackupRun[], jitter = 0): string[] {
  return decideDue(config, runs, () => jitter, at(text)).map(({ name }) => name);
}

const run = (text: string, outcome: BackupRun['outcome'] = 'success', minutes = 0): BackupRun => {
  return { set: 'daily', startedAtMs: at(text), endedAtMs: at(text) + minutes * MINUTE_MS, outcome };
};

describe('a daily backup', () => {
  it('is due at its time and not before, and once', () => {
    const yesterday = run('20T02:00:00');
    expect(dueAt('21T01:59:59', [yesterday])).toEqual([]);
    expect(dueAt('21T02:00:00', [yesterday])).toEqual(['daily']);
    expect(dueAt('21T23:00:00', [yesterday, run('21T02:00:00')])).toEqual([]);
  });

  it('waits its share of the jitter', () => {
    expect(dueAt('21T02:29:59', [run('20T02:00:00')], 0.5)).toEqual([]);
    expect(dueAt('21T02:30:00', [run('20T02:00:00')], 0.5)).toEqual(['daily']);
  });

  it('that was missed is caught up, once', () => {
    expect(dueAt('21T15:00:00', [run('17T02:00:00')])).toEqual(['daily']);
    expect(dueAt('21T15:10:00', [run('17T02:00:00'), run('21T15:00:00')])).toEqual([]);
  });

  it('that never ran is due', () => {
    expect(dueAt('21T15:00:00', [])).toEqual(['daily']);
  });

  it('that failed is tried again after 5 minutes, then 10, and at its next time at the latest', () => {
    const once = [run('21T02:00:00', 'failure', 1)];
    expect(dueAt('21T02:05:59', once)).toEqual([]);
    expect(dueAt('21T02:06:00', once)).toEqual(['daily']);
    const twice = [...once, run('21T02:06:00', 'failure', 0)];
    expect(dueAt('21T02:15:59', twice)).toEqual([]);
    expect(dueAt('21T02:16:00', twice)).toEqual(['daily']);
    const often = Array.from({ length: 50 }, () => run('21T23:00:00', 'failure'));
    expect(dueAt('22T01:59:00', often)).toEqual([]);
    expect(dueAt('22T02:00:00', often)).toEqual(['daily']);
  });

  it('that was done with some files left out is done', () => {
    expect(dueAt('21T03:00:00', [run('21T02:00:00', 'incomplete')])).toEqual([]);
  });

  it('is not put off by a run that a wrong clock wrote down for next month', () => {
    const future: BackupRun = { ...run('21T02:00:00'), startedAtMs: at('21T02:00:00') + 30 * 86_400_000 };
    expect(dueAt('21T03:00:00', [future])).toEqual(['daily']);
  });
});

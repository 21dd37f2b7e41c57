// The agent's own backups: at their times, one at a time, never beside a command, and stopped cleanly.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { type ErrorCode, type ObjectId, ProtocolError } from '#protocol';
import { BackupScheduler } from './backup-scheduler.js';
import { configPathOf } from './client-config.js';
import type { ReportedSummary, SetEngine } from './run-backup-set.js';
import { RunLog } from './run-log.js';

const START_MS = new Date('2026-11-21T12:00:00').getTime();
const HOUR_MS = 3_600_000;

let folder: string;
let clock: FakeClock;
let runs: RunLog;
let scheduler: BackupScheduler;
/** What the engine was asked, in order, and how it answers. */
let asked: string[];
let failsWith: ErrorCode | null;
let isLocked: boolean;
let onBackup: (signal: AbortSignal) => Promise<void>;
let underWay: number;

beforeEach(async () => {
  reported = true;
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-scheduler-'));
  await mkdir(join(folder, 'client'));
  clock = new FakeClock(START_MS);
  runs = new RunLog(folder);
  asked = [];
  failsWith = null;
  isLocked = false;
  onBackup = async () => undefined;
  underWay = 0;
  scheduler = open(true);
});
afterEach(async () => {
  await scheduler.stop();
  await rm(folder, { recursive: true });
});

function open(isAsked: boolean): BackupScheduler {
  return new BackupScheduler({
    home: { path: folder, identity: { name: 'laptop', peerId: 'p1' } },
    clock,
    log: openLog('test', 'silent'),
    environment: process.env,
    isAsked,
    takeLock: async () => {
      if (isLocked) throw new ProtocolError('data_dir_in_use');
      isLocked = true;
      return {
        release: async () => {
          isLocked = false;
        },
      };
    },
    openEngine: async () => {
      if (failsWith === 'master_key_missing') throw new ProtocolError('master_key_missing');
      return engine;
    },
  });
}

const engine: SetEngine & { close(): Promise<void> } = {
  async backup({ paths, signal }) {
    asked.push(`backup ${paths.join(' ')}`);
    expect(++underWay).toBe(1);
    try {
      await onBackup(signal);
      if (failsWith !== null) throw new ProtocolError(failsWith);
      return { ...summary, reported };
    } finally {
      underWay--;
    }
  },
  async forget({ policy }) {
    asked.push(`forget ${JSON.stringify(policy.keep)}`);
    return { known: [], groups: [], removed: [], retained: [] };
  },
  async mendDue() {
    return { objects: 0, shards: 0, storedBytes: 0, leftObjects: 0 };
  },
  async prune({ graceMs }) {
    asked.push('prune');
    expect(graceMs).toBeGreaterThan(0);
    throw new ProtocolError('object_unavailable');
  },
  async close() {
    asked.push('close');
  },
};

let reported = true;
const none = { new: 0, changed: 0, unmodified: 0 };
const summary: ReportedSummary = {
  ...{ snapshotId: 's' as ObjectId, parentId: null, dryRun: false, comparedFiles: none, comparedDirectories: none },
  ...{ files: 1, directories: 0, symlinks: 0, specials: 0, sourceBytes: 10, newBytes: 10, packedBytes: 10 },
  ...{ storedBytes: 20, skipped: 0, objects: 1, hosts: 6, seconds: 1, reported: true },
};

const daily = (name: string, at = '02:00') => ({
  name,
  paths: [`/${name}`],
  schedule: { every: 'daily', at, jitterMinutes: 0 },
});
const configure = (config: unknown): Promise<void> => writeFile(configPathOf(folder), JSON.stringify(config));

describe('the scheduler of an agent', () => {
  it('catches up what was missed, one after the other, and then waits for the next time', async () => {
    await configure({ backups: [daily('b', '03:00'), daily('a')] });
    await scheduler.trigger();
    expect(asked).toEqual(['backup /a', 'close', 'backup /b', 'close']);
    clock.advance(13 * HOUR_MS);
    await scheduler.trigger();
    expect(asked).toHaveLength(4);
    clock.advance(2 * HOUR_MS);
    await scheduler.trigger();
    expect(asked.slice(4)).toEqual(['backup /a', 'close', 'backup /b', 'close']);
    expect(await runs.read()).toHaveLength(4);
  });

  it('does nothing unless it is told to, by its command or by the configuration', async () => {
    scheduler = open(false);
    await configure({ backups: [daily('a')] });
    await scheduler.trigger();
    expect(asked).toEqual([]);
    await configure({ backups: [daily('a')], agentRunsBackups: true });
    await scheduler.trigger();
    expect(asked).toEqual(['backup /a', 'close']);
  });

  it('waits while a command has the home, and counts that as no failure', async () => {
    await configure({ backups: [daily('a')] });
    isLocked = true;
    await scheduler.trigger();
    expect([asked, await runs.read()]).toEqual([[], []]);
    isLocked = false;
    await scheduler.trigger();
    expect(asked).toEqual(['backup /a', 'close']);
    expect(isLocked).toBe(false);
  });

  it('forgets nothing for a snapshot that is not confirmed, and tries again', async () => {
    const retention = { keepLast: 1, prune: true };
    await configure({ backups: [{ ...daily('a'), retention }] });
    reported = false;
    await scheduler.trigger();
    expect(asked).toEqual(['backup /a', 'close']);
    expect(await runs.read()).toMatchObject([{ outcome: 'unconfirmed', snapshotId: 's' }]);
    reported = true;
    clock.advance(HOUR_MS);
    await scheduler.trigger();
    expect(asked.slice(2)).toEqual(['backup /a', expect.stringContaining('forget'), 'prune', 'close']);
    expect((await runs.read()).at(-1)).toMatchObject({ outcome: 'success' });
  });

  it('tries again after a failure, a while later, also when there is no engine', async () => {
    for (const code of ['broker_unreachable', 'master_key_missing'] as const) {
      asked = [];
      failsWith = code;
      await configure({ backups: [daily(code.replaceAll('_', '-'))] });
      await scheduler.trigger();
      await scheduler.trigger();
      expect((await runs.read()).at(-1)).toMatchObject({ outcome: 'failure', code });
      expect(isLocked).toBe(false);
      failsWith = null;
      asked = [];
      clock.advance(5 * 60_000);
      await scheduler.trigger();
      expect(asked[0]).toMatch(/^backup /);
    }
  });

  it('forgets by the retention of the set, and a failure there is no failure of the backup', async () => {
    await configure({ backups: [{ ...daily('a'), retention: { keepDaily: 7 } }] });
    await scheduler.trigger();
    expect(asked).toEqual([
      'backup /a',
      'forget {"last":0,"hourly":0,"daily":7,"weekly":0,"monthly":0,"yearly":0}',
      'prune',
      'close',
    ]);
    expect((await runs.read()).at(-1)).toMatchObject({ outcome: 'success' });
  });

  it('never runs two at once: a trigger joins the run under way', async () => {
    await configure({ backups: [daily('a')] });
    await Promise.all([scheduler.trigger(), scheduler.trigger()]);
    expect(asked).toEqual(['backup /a', 'close']);
  });

  it('stops the run under way cleanly, writes that down, and begins no other', async () => {
    await configure({ backups: [daily('a'), daily('b', '03:00')] });
    let began = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      began = resolve;
    });
    onBackup = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new ProtocolError('interrupted')));
        began();
      });
    const running = scheduler.trigger();
    await begun;
    await scheduler.stop();
    await running;
    expect(asked).toEqual(['backup /a', 'close']);
    expect(await runs.read()).toMatchObject([{ set: 'a', outcome: 'interrupted' }]);
    expect(isLocked).toBe(false);
  });

  it('outlives a configuration that is wrong, and goes on when it is mended', async () => {
    await writeFile(configPathOf(folder), '{');
    await scheduler.trigger();
    await configure({ backups: [daily('a')] });
    await scheduler.trigger();
    expect(asked).toEqual(['backup /a', 'close']);
  });

  it('runs by its own clock', async () => {
    await configure({ backups: [daily('a')] });
    scheduler.start();
    clock.advance(30_000);
    await scheduler.trigger();
    expect(asked).toEqual(['backup /a', 'close']);
  });
});

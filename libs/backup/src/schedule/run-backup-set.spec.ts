// A scheduled backup's retention touches its own snapshots and no others, and waits when a run saved nothing.
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type ObjectId, type PeerId, uuidV7 } from '#protocol';
import { runForget } from '../forget/run-forget.js';
import type { EngineEvent } from '../ports.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { testSnapshot } from '../snapshots/testing-snapshots.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import { type BackupSet, parseClientConfig } from './client-config.js';
import { backUpSet, type ReportedSummary, type SetEngine, wishOf } from './run-backup-set.js';
import type { BackupRun, RunLog } from './run-log.js';

const peerId = (last: number): PeerId => {
  const entropy = Buffer.alloc(10);
  entropy[9] = last;
  return uuidV7<PeerId>(1_790_000_000_000, entropy);
};
const HERE = peerId(1);
const ELSEWHERE = peerId(2);

const none = { new: 0, changed: 0, unmodified: 0 };
const summary: ReportedSummary = {
  ...{ snapshotId: 's' as ObjectId, parentId: null, dryRun: false, comparedFiles: none, comparedDirectories: none },
  ...{ files: 1, directories: 0, symlinks: 0, specials: 0, sourceBytes: 10, newBytes: 10, packedBytes: 10 },
  ...{ storedBytes: 20, skipped: 0, objects: 1, hosts: 6, seconds: 1, reported: true },
};

let removed: ObjectId[];
let stored: StoredSnapshot[];
let lines: BackupRun[];
let events: EngineEvent[];
let pruned: number;
beforeEach(() => {
  removed = [];
  stored = [];
  lines = [];
  events = [];
  pruned = 0;
});

/** Its backups save so many files; it forgets in `stored` by the real rules. */
function engineSaving(files: number): SetEngine {
  return {
    backup: async () => ({ ...summary, files, sourceBytes: files * 10 }),
    forget: async (request) => {
      const deleter = {
        delete: async (ids: readonly ObjectId[]) => {
          removed.push(...ids);
          return { deleted: [...ids], retained: [], pending: [] };
        },
      };
      const listed = stored.map(({ id }) => ({ objectId: id, kind: 'snapshot' as const, cid: '', size: 0 }));
      const parts = { deleter, offsetMinutesOf: () => 0, machineId: HERE };
      return runForget(parts, { snapshots: stored, listed: listed as never }, request);
    },
    mendDue: async () => ({ objects: 0, shards: 0, storedBytes: 0, leftObjects: 0 }),
    prune: async () => {
      pruned++;
      return {} as never;
    },
  };
}

async function run(set: BackupSet, files = 1): Promise<ReportedSummary> {
  const runs = {
    read: async () => lines,
    append: async (line: BackupRun) => {
      lines.push(line);
    },
  } as unknown as RunLog;
  const running = {
    signal: new AbortController().signal,
    onEvent: (event: EngineEvent) => events.push(event),
    scan: false,
  };
  return backUpSet({ engine: engineSaving(files), runs, clock: new FakeClock(1_790_000_000_000) }, set, running);
}

const setOf = (changes: Record<string, unknown> = {}): BackupSet =>
  parseClientConfig({ backups: [{ name: 'home', paths: ['/home'], retention: { keepLast: 1 }, ...changes }] })
    .backups[0]!;

/** Ten daily snapshots alike. */
function keepTen(changes: Partial<Snapshot>): StoredSnapshot[] {
  const made = Array.from({ length: 10 }, (_, day) =>
    testSnapshot({ time: `2026-11-1${day}T08:00:00.000Z`, machineId: HERE, ...changes }),
  );
  stored.push(...made);
  return made;
}

describe("a set's retention", () => {
  it('forgets its own snapshots but the last, whatever the order of paths and the slash at an end', async () => {
    const own = keepTen({ paths: ['/srv', '/home'], tags: ['b', 'a'] });
    await run(setOf({ paths: ['/home/', '/srv'], tags: ['a', 'b'] }));
    expect(removed.toSorted()).toEqual(
      own
        .slice(0, 9)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(pruned).toBe(1);
  });

  it.each<[string, Partial<Snapshot>, Record<string, unknown>]>([
    ['of more paths', { paths: ['/home', '/srv'] }, {}],
    ['of fewer paths', { paths: ['/home'] }, { paths: ['/home', '/srv'] }],
    ['with a tag, where the set has none', { tags: ['before-the-move'] }, {}],
    ['with more tags', { tags: ['auto', 'precious'] }, { tags: ['auto'] }],
    ['without tags, where the set has one', { tags: [] }, { tags: ['auto'] }],
    ['of another machine of the same name', { machineId: ELSEWHERE }, {}],
    ['that do not say which machine made them', { machineId: undefined }, {}],
  ])('leaves snapshots %s alone', async (_what, changes, set) => {
    keepTen(changes);
    await run(setOf(set));
    expect(removed).toEqual([]);
  });

  it('goes on while there are files', async () => {
    keepTen({});
    lines.push({ set: 'home', startedAtMs: 1, endedAtMs: 2, outcome: 'success', files: 3 });
    await run(setOf());
    expect(removed).toHaveLength(9);
    expect(events).toEqual([]);
  });
});

describe('a run that saves no file', () => {
  it('of a set that had files is told, is no success without a mark, and removes nothing, however often', async () => {
    keepTen({});
    lines.push({ set: 'home', startedAtMs: 1, endedAtMs: 2, outcome: 'success', files: 3 });
    for (let times = 0; times < 2; times++) await run(setOf(), 0);
    expect([removed, pruned]).toEqual([[], 0]);
    expect(events.map((event) => 'code' in event && event.code)).toEqual(['backup_empty', 'backup_empty']);
    expect(lines.at(-1)).toMatchObject({ outcome: 'incomplete', code: 'backup_empty', files: 0 });
  });

  it('of a set that is new is a success, and removes nothing', async () => {
    keepTen({});
    lines.push({ set: 'other', startedAtMs: 1, endedAtMs: 2, outcome: 'success', files: 3 });
    await run(setOf(), 0);
    expect([removed, pruned, events]).toEqual([[], 0, []]);
    expect(lines.at(-1)).toMatchObject({ outcome: 'success', files: 0 });
  });
});

describe('what a set asks of a backup', () => {
  it('is its durability class, and which hosts get what is new', () => {
    const group = '019a0000-0000-7000-8000-000000000001';
    const kept = { durability: 'archive', regions: ['eu', 'ch'], group };
    expect(wishOf(setOf(kept))).toMatchObject(kept);
    expect(Object.keys(wishOf(setOf()))).not.toEqual(expect.arrayContaining(['durability']));
    expect(() => setOf({ regions: ['The Moon'] })).toThrow('regions');
    expect(() => setOf({ group: 'family' })).toThrow('group');
  });
});

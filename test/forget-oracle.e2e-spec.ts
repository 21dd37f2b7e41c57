// restic beside us: the same snapshots, the same policies, the same decisions and the same reasons for them.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideForget } from '../libs/backup/src/forget/decide-forget.js';
import { type ForgetPolicy, parseKeepCount, parseSpan } from '../libs/backup/src/forget/forget-policy.js';
import { zone } from '../libs/backup/src/forget/testing-zone.js';
import { groupSnapshots } from '../libs/backup/src/snapshots/group-snapshots.js';
import type { StoredSnapshot } from '../libs/backup/src/snapshots/list-snapshots.js';
import { testSnapshot } from '../libs/backup/src/snapshots/testing-snapshots.js';

const run = promisify(execFile);
const BERLIN = zone('Europe/Berlin');

/** Local times in Berlin and tags: around both changes of the clock, a new year in week 53, leap days, the ends of months. */
const SNAPSHOTS: readonly (readonly [time: string, tags: string])[] = [
  ['2023-12-31 23:59:59', ''],
  ['2024-02-29 12:00:00', 'keep'],
  ['2024-03-31 01:59:00', ''],
  ['2024-03-31 03:01:00', ''],
  ['2025-02-28 12:00:00', 'a'],
  ['2025-10-25 12:00:00', ''],
  ['2025-10-26 01:30:00', ''],
  ['2025-10-26 03:30:00', 'a,b'],
  ['2025-12-28 23:59:59', ''],
  ['2025-12-29 00:00:00', ''],
  ['2026-03-28 12:00:00', ''],
  ['2026-03-29 01:30:00', 'b'],
  ['2026-03-29 03:30:00', ''],
  ['2026-03-31 12:00:00', ''],
  ['2026-10-31 12:00:00', 'a'],
  ['2026-11-20 08:00:00', ''],
  ['2026-11-20 08:30:00', ''],
  ['2026-11-20 23:59:59', 'b,a'],
  ['2026-11-21 00:00:00', ''],
  ['2026-11-21 09:00:00', ''],
];

const POLICIES: readonly string[] = [
  '--keep-last 1',
  '--keep-last 7',
  '--keep-hourly 1',
  '--keep-hourly 6',
  '--keep-hourly 99',
  '--keep-daily 1',
  '--keep-daily 5',
  '--keep-daily 99',
  '--keep-weekly 3',
  '--keep-weekly 99',
  '--keep-monthly 4',
  '--keep-monthly 99',
  '--keep-yearly 2',
  '--keep-yearly 99',
  '--keep-last 2 --keep-daily 3 --keep-weekly 2 --keep-monthly 4 --keep-yearly 9',
  '--keep-within 1d',
  '--keep-within 21h',
  '--keep-within 1m',
  '--keep-within 7m21d',
  '--keep-within 7m23d6h',
  '--keep-within 1y1m',
  '--keep-within 2y8m22d',
  '--keep-within-hourly 2d',
  '--keep-within-daily 9m',
  '--keep-within-weekly 1y',
  '--keep-within-monthly 2y',
  '--keep-within-yearly 9y',
  '--keep-within 1d --keep-within-daily 1m --keep-within-monthly 1y --keep-within-yearly 3y --keep-last 3',
  '--keep-tag a',
  '--keep-tag a,b',
  '--keep-tag a,b --keep-tag keep --keep-yearly 1',
  '--keep-tag none --keep-last 1',
];

let folder: string;
let environment: NodeJS.ProcessEnv;
let list: StoredSnapshot[];

async function restic(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('restic', ['--no-cache', '--no-lock', ...args], { env: environment });
  return stdout;
}

interface ResticSnapshot {
  readonly id: string;
  readonly time: string;
  readonly tags?: readonly string[];
}

/** Two at a time: each is a process that spends its time on deriving a key. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all([worker(), worker()]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-oracle-'));
  environment = {
    ...process.env,
    TZ: 'Europe/Berlin',
    RESTIC_REPOSITORY: join(folder, 'repository'),
    RESTIC_PASSWORD: 'oracle',
  };
  const file = join(folder, 'file');
  await writeFile(file, 'one');
  await restic('init');
  await each(SNAPSHOTS, async ([time, tags]) => {
    await restic(
      'backup',
      '--force',
      '--host',
      'laptop',
      '--time',
      time,
      ...(tags === '' ? [] : ['--tag', tags]),
      file,
    );
  });
  const found = JSON.parse(await restic('snapshots', '--json')) as ResticSnapshot[];
  expect(found).toHaveLength(SNAPSHOTS.length);
  list = found.map(({ time, tags = [] }) => testSnapshot({ time: new Date(time).toISOString(), tags: [...tags] }));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The options of a line, by our own words for them. */
function policyOf(line: string): ForgetPolicy {
  const keep: Record<string, number> = {};
  const within: Record<string, ReturnType<typeof parseSpan>> = {};
  const tags: string[][] = [];
  for (const [, name, value] of line.matchAll(/--keep-(\S+) (\S+)/g)) {
    if (name === 'tag') tags.push(value!.split(','));
    else if (name!.startsWith('within')) within[name!.replace(/^within-?/, '') || 'all'] = parseSpan(value!);
    else keep[name!] = parseKeepCount(value!);
  }
  return { keep, within, tags };
}

describe('forget', () => {
  it('keeps what restic keeps, for the same reasons', { timeout: 60_000 }, async () => {
    await each(POLICIES, async (line) => {
      const [group, ...others] = JSON.parse(await restic('forget', '--dry-run', '--json', ...line.split(' '))) as {
        keep: ResticSnapshot[] | null;
        remove: ResticSnapshot[] | null;
        reasons: { matches: string[] }[] | null;
      }[];
      expect(others).toEqual([]);
      const { keep, remove } = decideForget(list, policyOf(line), BERLIN);
      const timesOf = (snapshots: ResticSnapshot[] | null): string[] =>
        (snapshots ?? []).map(({ time }) => new Date(time).toISOString());
      expect([line, keep.map(({ stored }) => stored.snapshot.time)]).toEqual([line, timesOf(group!.keep)]);
      expect([line, remove.map(({ snapshot }) => snapshot.time)]).toEqual([line, timesOf(group!.remove)]);
      expect([line, keep.map(({ reasons }) => reasons)]).toEqual([line, (group!.reasons ?? []).map((r) => r.matches)]);
    });
  });

  it('groups as restic groups', async () => {
    const groups = JSON.parse(await restic('snapshots', '--json', '--group-by', 'host,tags')) as {
      group_key: { hostname: string; tags: string[] | null };
      snapshots: ResticSnapshot[];
    }[];
    const named = (host: string | null, tags: readonly string[] | null, count: number): string =>
      JSON.stringify([host, tags ?? [], count]);
    const ours = groupSnapshots(
      list.map((stored) => ({ ...stored, snapshot: { ...stored.snapshot, hostname: 'laptop' } })),
      ['host', 'tags'],
    ).map(({ key, snapshots }) => named(key.hostname, key.tags, snapshots.length));
    const theirs = groups.map(({ group_key: key, snapshots }) => named(key.hostname, key.tags, snapshots.length));
    expect(ours.toSorted()).toEqual(theirs.toSorted());
  });
});

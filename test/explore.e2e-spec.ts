// Looking into snapshots: ls, find, diff and stats say of the same trees what restic says of them; cat, key and self-test
// beside. restic is the outside judge: it has the same folders in a repository of its own.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { messagesOf, peerkeepHere, type Spoken } from './command-here.js';
import { shareWorld } from './shared-world.js';

const world = shareWorld({ hosts: 6 });
let home: string;
let source: string;
let phrase: string;
/** Ids of the two snapshots: ours, and restic's. */
let ours: string[];
let theirs: string[];

function restic(...args: string[]): string {
  const env = { ...process.env, RESTIC_PASSWORD: 'x', RESTIC_CACHE_DIR: world().path('restic-cache') };
  const all = ['-r', world().path('restic'), ...args];
  return execFileSync('restic', all, { cwd: source, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

async function peerkeep(...args: string[]): Promise<Spoken> {
  return peerkeepHere({ home, clock: world().clock, log: world().log, phrase }, ...args);
}

async function backUpBoth(): Promise<void> {
  await world().pass(60_000);
  const ended = await peerkeep('backup', source, '--json', '--quiet');
  expect(ended).toMatchObject({ code: 0 });
  ours.push(messagesOf(ended).at(-1)!.snapshot_id as string);
  const lines = restic('backup', '--json', '.').trim().split('\n');
  theirs.push((JSON.parse(lines.at(-1)!) as { snapshot_id: string }).snapshot_id);
}

beforeAll(async () => {
  const client = await world().addClient('laptop');
  phrase = await client.phrase();
  home = client.home.path;
  await client.close();
  source = await world().writeFiles('source', {
    'docs/notes.txt': 'notes\n',
    'docs/old/report.pdf': randomBytes(40_000),
    'docs/old/gone.txt': 'gone\n',
    'music/song.mp3': randomBytes(3_000_000),
    'music/copy.mp3': '',
    'Readme.md': 'read me\n',
    'becomes-folder': 'a file\n',
    'tool.sh': '#!/bin/sh\n',
  });
  symlinkSync('notes.txt', join(source, 'docs/link'));
  utimesSync(join(source, 'Readme.md'), 1_600_000_000, 1_600_000_000.5);
  [ours, theirs] = [[], []];
  restic('init');
  await backUpBoth();
  appendFileSync(join(source, 'docs/notes.txt'), 'more\n');
  rmSync(join(source, 'docs/old/gone.txt'));
  rmSync(join(source, 'becomes-folder'));
  mkdirSync(join(source, 'becomes-folder/inner'), { recursive: true });
  writeFileSync(join(source, 'becomes-folder/inner/new.bin'), randomBytes(10_000));
  chmodSync(join(source, 'tool.sh'), 0o755);
  mkdirSync(join(source, 'empty'));
  await backUpBoth();
}, 60_000);

const MEMBERS = ['name', 'type', 'path', 'uid', 'gid', 'size', 'mode', 'permissions', 'mtime'] as const;
function nodesOf(lines: readonly Record<string, unknown>[]): object[] {
  const nodes = lines.filter(({ struct_type }) => struct_type === 'node');
  // restic leaves out the size of an empty file, and writes the letter of a link as Go does.
  const told = (name: string, value: unknown): unknown =>
    name === 'size' ? (value ?? 0) : name === 'permissions' ? String(value).toLowerCase() : value;
  return nodes.map((node) => Object.fromEntries(MEMBERS.map((name) => [name, told(name, node[name])])));
}

describe('ls', () => {
  it('tells the entries that restic tells, with the same members', async () => {
    for (const i of [0, 1]) {
      const told = nodesOf(messagesOf(await peerkeep('ls', ours[i]!, '--json')));
      expect(told).toEqual(nodesOf(messagesOf({ stdout: restic('ls', '--json', theirs[i]!) })));
      expect(told.length).toBeGreaterThan(10);
    }
  });

  it.each([
    ['a folder and what lies in it', ['/docs']],
    ['two folders', ['/docs/old', '/music']],
    ['a folder with all below', ['--recursive', '/docs']],
  ])('shows %s', async (_, args) => {
    const { stdout, code } = await peerkeep('ls', 'latest', ...args);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(
      restic('ls', 'latest', ...args)
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('/')),
    );
  });

  it('says that a folder is not there, and what is wrong with a path', async () => {
    expect(await peerkeep('ls', 'latest', '/nowhere')).toMatchObject({ code: 2, stdout: '' });
    expect((await peerkeep('ls', 'latest', 'docs')).stderr).toContain('starts with /');
  });
});

describe('find', () => {
  interface Found {
    readonly snapshot: string;
    readonly matches: { readonly path: string }[];
  }
  const found = (stdout: string, ids: readonly string[]): [number, string[]][] =>
    (JSON.parse(stdout) as Found[])
      .map(({ snapshot, matches }): [number, string[]] => [
        ids.findIndex((id) => snapshot.startsWith(id)),
        matches.map(({ path }) => path).sort(),
      ])
      .sort(([left], [right]) => left - right);

  it.each([
    ['a name', ['notes.txt']],
    ['a glob', ['*.mp3', '*.pdf']],
    ['a folder with all below', ['old']],
    ['a path', ['docs/*/report.pdf']],
    ['a path from the root', ['/music/*']],
    ['another case', ['-i', 'README*']],
    ['a name that is not there', ['nothing']],
    ['one snapshot', ['-s', '0', 'gone.txt']],
    ['what is old', ['-N', '2021-01-01', '*']],
    ['what is not old', ['-O', '2021-01-01', '*.md']],
  ])('finds %s where restic finds it', async (_, args) => {
    const inOurs = args.map((arg) => (arg === '0' ? ours[0]! : arg));
    const inTheirs = args.map((arg) => (arg === '0' ? theirs[0]! : arg));
    const told = await peerkeep('find', '--json', ...inOurs);
    expect(told.code).toBe(0);
    expect(found(told.stdout, ours)).toEqual(found(restic('find', '--json', ...inTheirs), theirs));
  });

  it('names the files that have a chunk, or a part in an object', async () => {
    const root = JSON.parse((await peerkeep('cat', 'snapshot', ours[1]!, '--json')).stdout) as { root: string[] };
    const stream = (await peerkeep('cat', 'tree', `${ours[1]!}:/music`)).stdout;
    const song = stream
      .split('\n')
      .map((line) => (line === '' ? {} : JSON.parse(line)))
      .find(({ name }) => name === 'song.mp3');
    const [chunk] = song.content as string[];
    const { stdout } = await peerkeep('find', '--chunk', chunk!.slice(0, 10), '--json');
    expect(found(stdout, ours)).toEqual([
      [0, ['/music/song.mp3']],
      [1, ['/music/song.mp3']],
    ]);
    expect(root.root[0]).toMatch(/^[\w-]{43}$/);
    const objects = messagesOf(await peerkeep('find', '--chunk', chunk!, '-s', ours[1]!, '--json'));
    expect(objects).toHaveLength(1);
  });
});

describe('diff', () => {
  it.each([
    ['contents', []],
    ['metadata too', ['--metadata']],
  ])('tells the changes that restic tells: %s', async (_, args) => {
    // restic says nothing of what lies in a folder that was a file, and calls a folder changed whose entries changed.
    const isOurs = (line: string): boolean => line.includes('/becomes-folder/inner') || /^U .*\/$/.test(line);
    const changes = (lines: Record<string, unknown>[]): string[] =>
      lines
        .filter(({ message_type }) => message_type === 'change')
        .map(({ modifier, path }) => `${modifier} ${path}`)
        .filter((line) => !isOurs(line));
    const told = messagesOf(await peerkeep('diff', '--json', ...args, ours[0]!, ours[1]!));
    const expected = messagesOf({ stdout: restic('diff', '--json', ...args, theirs[0]!, theirs[1]!) });
    expect(changes(told).sort()).toEqual(changes(expected).sort());
    expect(changes(told)).toContain('M /docs/notes.txt');
    expect(told.map(({ path }) => path)).toContain('/becomes-folder/inner/new.bin');
    const statistics = told.at(-1) as { changed_files: number; added: object; removed: object };
    const {
      changed_files: changedFiles,
      added: expectedAdded,
      removed: expectedRemoved,
    } = expected.at(-1) as typeof statistics;
    const { added, removed } = statistics;
    expect(statistics.changed_files).toBe(changedFiles);
    // Two files came: one of them in the folder that was a file, of which restic says nothing.
    const [blobs, theirBlobs] = [added, expectedAdded].map((side) => (side as Record<string, number>).data_blobs!);
    expect(blobs).toBe(theirBlobs! + 1);
    expect(removed).toMatchObject({ data_blobs: (expectedRemoved as Record<string, number>).data_blobs });
  });

  it('is empty between a snapshot and itself', async () => {
    const [only, ...others] = messagesOf(await peerkeep('diff', '--json', ours[0]!, ours[0]!));
    expect(others).toEqual([]);
    expect(only).toMatchObject({ changed_files: 0, added: { files: 0, bytes: 0 }, removed: { files: 0, bytes: 0 } });
  });
});

describe('stats', () => {
  it.each(['restore-size', 'files-by-contents'])('counts by %s as restic does', async (mode) => {
    for (const one of [[], ['latest']]) {
      const { total_size, total_file_count, snapshots_count } = messagesOf(
        await peerkeep('stats', '--json', '--mode', mode, ...one),
      )[0]!;
      const expected = JSON.parse(restic('stats', '--json', '--mode', mode, ...one)) as Record<string, unknown>;
      expect({ total_size, snapshots_count }).toEqual({
        total_size: expected.total_size,
        snapshots_count: expected.snapshots_count,
      });
      if (mode === 'restore-size') expect(total_file_count).toBe(expected.total_file_count);
    }
  });

  it('counts what is stored, and what lies on hosts', async () => {
    const raw = messagesOf(await peerkeep('stats', '--json', '--mode', 'raw-data'))[0]! as Record<string, number>;
    expect(raw.total_uncompressed_size!).toBeGreaterThan(3_000_000);
    expect(raw.object_bytes!).toBeGreaterThan(raw.total_size!);
    expect(raw.host_bytes! / raw.object_bytes!).toBeGreaterThan(1.4);
    const { stdout } = await peerkeep('stats', '--mode', 'blobs-per-file');
    expect(stdout).toMatch(/chunks\s+\d/);
  });
});

describe('what stands beside', () => {
  it('says whether words are those of this home', async () => {
    expect(messagesOf(await peerkeep('key', 'verify', '--json'))[0]).toMatchObject({ verified: true });
    expect((await peerkeep('key', 'phrase', '--json')).stdout).toContain(phrase);
    const other = `${'abandon '.repeat(23)}art`;
    const wrong = await peerkeepHere({ home, clock: world().clock, log: world().log, phrase: other }, 'key', 'verify');
    expect(wrong.code).toBe(5);
    expect(wrong.stderr).toContain('another key');
  });

  it('checks this machine, the broker, and a way to hosts and back that leaves nothing behind', async () => {
    const ended = await peerkeep('self-test', '--round-trip', '--json');
    expect(ended.code).toBe(0);
    const checks = messagesOf(ended);
    expect(checks.at(-1)).toMatchObject({ message_type: 'summary', failed: 0 });
    expect(checks.map(({ name }) => name)).toContain('round trip');
    await world().settle();
    expect(messagesOf(await peerkeep('check', '--json')).at(-1)).toMatchObject({ message_type: 'summary' });
    for (const host of world().hosts) await host.stop();
    const alone = await peerkeep('self-test', '--round-trip', '--json');
    for (const host of world().hosts) await host.start();
    expect(alone.code).toBe(1);
    expect(messagesOf(alone).find(({ name }) => name === 'round trip')).toMatchObject({ ok: false });
  });
});

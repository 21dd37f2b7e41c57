// What a person asks of a backup: a dry run, a stream, marks of the snapshot, and paths that are not there.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshFolder } from '../files/testing-folders.js';
import { BackupBench } from './testing/backup-bench.js';

let folder: ReturnType<typeof freshFolder>;
let bench: BackupBench;
const source = (...names: string[]): string => join(folder.path, 'source', ...names);
beforeEach(async () => {
  folder = freshFolder();
  mkdirSync(source('d'), { recursive: true });
  writeFileSync(source('a'), 'a'.repeat(50_000));
  writeFileSync(source('d', 'b'), 'b'.repeat(100));
  bench = await BackupBench.open(join(folder.path, 'client'));
});
afterEach(async () => {
  await bench.close();
  folder.remove();
});

describe('a dry run', () => {
  it('sends and writes nothing, and says what a run then does', async () => {
    await bench.run({ paths: [source()] });
    writeFileSync(source('new'), 'n'.repeat(70_000));
    const [begun, kept, chunks] = [
      bench.network.begun.length,
      readdirSync(bench.objectsFolder),
      bench.cache.index.size,
    ];
    const planned = await bench.run({ paths: [source()], dryRun: true });
    expect(bench.network.begun.length).toBe(begun);
    expect(readdirSync(bench.objectsFolder)).toEqual(kept);
    expect(bench.cache.index.size).toBe(chunks);
    expect(planned).toMatchObject({
      dryRun: true,
      snapshotId: null,
      comparedFiles: { new: 1, changed: 0, unmodified: 2 },
    });
    const real = await bench.run({ paths: [source()] });
    const { snapshotId: _none, dryRun: _dry, seconds: _seconds, hosts: _hosts, ...numbers } = planned;
    expect(real).toMatchObject(numbers);
  });

  it('counts a chunk that comes twice once, as a run does', async () => {
    writeFileSync(source('twin'), 'a'.repeat(50_000));
    const planned = await bench.run({ paths: [source()], dryRun: true });
    const real = await bench.run({ paths: [source()] });
    expect(planned.newBytes).toBe(real.newBytes);
    expect(planned.newBytes).toBeLessThan(60_000);
  });
});

describe('a stream', () => {
  it('is one file, in the folders that its name leads through', async () => {
    const pieces = Array.from({ length: 300 }, (_, i) => Buffer.alloc(20_011, i));
    const summary = await bench.run({ paths: [], source: { name: 'dumps/db.sql', stream: Readable.from(pieces) } });
    expect(summary).toMatchObject({ files: 1, directories: 1, sourceBytes: 300 * 20_011, parentId: null });
    expect(await bench.pathsOf(summary)).toEqual(['dumps/', 'dumps/db.sql']);
    const [, file] = await bench.entriesOf(summary);
    expect(file!.entry).toMatchObject({ mode: 0o644, sizeBytes: 300 * 20_011 });
    expect((await bench.snapshot(summary)).paths).toEqual(['/dumps/db.sql']);
  });

  it('may be empty', async () => {
    const summary = await bench.run({ paths: [], source: { name: 'stdin', stream: Readable.from([]) } });
    expect(await bench.pathsOf(summary)).toEqual(['stdin']);
  });

  it('makes no snapshot when it fails', async () => {
    const stream = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error('the pipe broke');
      })(),
    );
    await expect(bench.run({ paths: [], source: { name: 'stdin', stream } })).rejects.toMatchObject({
      code: 'local_disk',
    });
    expect(bench.network.begun.map(({ kind }) => kind)).not.toContain('snapshot');
  });

  it('is let go when the person stops', async () => {
    const stop = new AbortController();
    const stream = new Readable({ read: () => setImmediate(() => stop.abort()) });
    const run = bench.run({ paths: [], source: { name: 'stdin', stream } }, stop.signal);
    await expect(run).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('a snapshot', () => {
  it('says what it was asked to say', async () => {
    const timeMs = Date.parse('2026-01-02T03:04:05Z');
    const wish = { paths: [source()], excludes: ['*.tmp'], excludesIgnoringCase: ['*.LOG'] };
    const summary = await bench.run({ ...wish, tags: ['x', 'y', 'x'], hostname: 'web', timeMs });
    expect(await bench.snapshot(summary)).toMatchObject({
      tags: ['x', 'y'],
      hostname: 'web',
      excludes: ['*.tmp', '*.LOG'],
      machineId: bench.machineId,
      program: expect.stringMatching(/^peerkeep \d/),
    });
    expect(Date.parse((await bench.snapshot(summary)).time)).toBe(timeMs);
  });

  it('is made of the paths that exist, and the others are told', async () => {
    const summary = await bench.run({ paths: [source('d'), source('missing')] });
    expect(summary).toMatchObject({ files: 1, skipped: 1 });
    expect(await bench.pathsOf(summary)).toEqual(['d/', 'd/b']);
    expect(bench.events).toContainEqual({
      kind: 'skipped',
      path: source('missing'),
      code: 'path_missing',
      reason: 'vanished (ENOENT)',
    });
    const again = await bench.run({ paths: [source('missing'), source('d')] });
    expect(again).toMatchObject({ parentId: summary.snapshotId, comparedFiles: { unmodified: 1 } });
  });

  it.each([
    ['no path exists', { paths: ['/nowhere/at/all'] }, 'path_missing'],
    ['a tag is too long', { paths: ['/tmp'], tags: ['x'.repeat(100_000)] }, 'usage'],
    [
      'there are too many paths',
      { paths: Array.from({ length: 20_000 }, (_, i) => `/tmp/${i}`).concat('/tmp') },
      'usage',
    ],
    ['the parent is not there', { paths: ['/tmp'], parent: { snapshot: 'ffffffff' } }, 'snapshot_unknown'],
  ])('is refused before anything is stored when %s', async (_why, wish, code) => {
    await expect(bench.run(wish)).rejects.toMatchObject({ code });
    expect(bench.network.begun).toEqual([]);
  });
});

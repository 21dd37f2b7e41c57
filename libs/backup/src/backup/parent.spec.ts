// A backup that takes unchanged files over from its parent says the same of a folder as one that reads everything.
import * as disk from 'node:fs';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PeerId, uuidV7 } from '#protocol';
import { errnoOf } from '../files/disk-failure.js';
import { fileError } from '../files/file-error.js';
import { libc } from '../files/libc.js';
import { freshFolder } from '../files/testing-folders.js';
import { BackupBench } from './testing/backup-bench.js';

const opened: string[] = [];
const looked: string[] = [];
// The disk is the real one; opens and looks are only counted.
vi.mock('node:fs', async (original) => {
  const real = await original<typeof disk>();
  return {
    ...real,
    openSync: (...args: Parameters<typeof disk.openSync>) => {
      opened.push(String(args[0]));
      return real.openSync(...args);
    },
    lstatSync: (...args: Parameters<typeof disk.lstatSync>) => {
      looked.push(String(args[0]));
      return real.lstatSync(...args);
    },
  };
});

let folder: ReturnType<typeof freshFolder>;
let bench: BackupBench;
const source = (...names: string[]): string => join(folder.path, 'source', ...names);
beforeEach(async () => {
  folder = freshFolder();
  mkdirSync(source());
  bench = await BackupBench.open(join(folder.path, 'client'));
});
afterEach(async () => {
  await bench.close();
  folder.remove();
});

const PATHS = ['a', 'b', 'd/a', 'd/b.x', 'd/e/a', 'd.x', 'é/ü'] as const;
const path = fc.constantFrom(...PATHS);
const sizeBytes = fc.constantFrom<number>(0, 1, 5_000, 200_000);
const edit = fc.oneof(
  fc.record({ what: fc.constant('write' as const), path, sizeBytes, fill: fc.nat(255) }),
  fc.record({ what: fc.constant('write over, times kept' as const), path, fill: fc.nat(255) }),
  fc.record({ what: fc.constant('cut' as const), path }),
  fc.record({ what: fc.constant('touch' as const), path, seconds: fc.nat(1_000) }),
  fc.record({ what: fc.constant('remove' as const), path }),
  fc.record({ what: fc.constant('rename' as const), path, to: path }),
  fc.record({ what: fc.constant('link' as const), path, to: path }),
  fc.record({ what: fc.constant('symlink' as const), path, to: path }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** What the disk refuses (a folder in the way, nothing there) is no edit. */
function apply(change: Edit): void {
  try {
    const at = source(change.path);
    mkdirSync(dirname(at), { recursive: true });
    switch (change.what) {
      case 'write':
        writeFileSync(at, Buffer.alloc(change.sizeBytes, change.fill));
        // A whole second, so that it can be set again exactly.
        utimesSync(at, 1_000, 1_000);
        break;
      case 'write over, times kept':
        writeOver(at, change.fill);
        break;
      case 'cut':
        truncateSync(at, 1);
        break;
      case 'touch':
        utimesSync(at, change.seconds, change.seconds);
        break;
      case 'remove':
        rmSync(source(change.path.split('/')[0]!), { recursive: true });
        break;
      case 'rename':
        renameSync(at, source(change.to));
        break;
      case 'link':
        linkSync(at, source(change.to));
        break;
      case 'symlink':
        symlinkSync(at, source(change.to));
        break;
    }
  } catch (error) {
    errnoOf(error);
  }
}

/** Other bytes, the same size and time of change: only the ctime tells. Again until the disk's clock has gone on. */
function writeOver(at: string, fill: number): void {
  const before = lstatSync(at, { bigint: true });
  if (!before.isFile()) return;
  const bytes = readFileSync(at).fill(fill);
  do {
    writeFileSync(at, bytes);
    utimesSync(at, 1_000, Number(before.mtimeNs) / 1e9);
  } while (lstatSync(at, { bigint: true }).ctimeNs === before.ctimeNs);
}

describe('a backup with a parent', () => {
  it('has the same tree as one that reads every file, after any edits', { timeout: 60_000 }, async () => {
    const rounds = fc.array(fc.array(edit, { minLength: 1, maxLength: 5 }), { minLength: 2, maxLength: 2 });
    let unmodified = 0;
    await fc.assert(
      fc.asyncProperty(rounds, async (edits) => {
        rmSync(source(), { recursive: true });
        mkdirSync(source());
        for (const [i, at] of PATHS.entries()) apply({ what: 'write', path: at, sizeBytes: 100, fill: i });
        await bench.run({ paths: [source()] });
        for (const changes of edits) {
          changes.forEach(apply);
          const detected = await bench.run({ paths: [source()] });
          const forced = await bench.run({ paths: [source()], parent: 'none' });
          expect((await bench.snapshot(detected)).root).toEqual((await bench.snapshot(forced)).root);
          expect(detected).toMatchObject({ files: forced.files, sourceBytes: forced.sourceBytes, skipped: 0 });
          expect(forced.comparedFiles).toEqual({ new: forced.files, changed: 0, unmodified: 0 });
          unmodified += detected.comparedFiles.unmodified;
        }
      }),
      { numRuns: 10 },
    );
    expect(unmodified).toBeGreaterThan(20);
  });

  it('looks at each unchanged file once and opens none', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `d${i % 5}/file ${i}`);
    for (const name of names)
      apply({ what: 'write', path: name as 'a', sizeBytes: 300_000 * (name.length % 2), fill: 7 });
    await bench.run({ paths: [source()] });
    opened.length = 0;
    looked.length = 0;
    const again = await bench.run({ paths: [source()] });
    expect(again).toMatchObject({ comparedFiles: { new: 0, changed: 0, unmodified: 50 }, objects: 1 });
    expect(again.comparedDirectories).toEqual({ new: 0, changed: 0, unmodified: 5 });
    expect(opened.filter((one) => one.startsWith(source()))).toEqual([]);
    for (const name of names) expect(looked.filter((one) => one === source(name))).toHaveLength(1);
    expect(bench.events.filter(({ kind }) => kind === 'warning')).toEqual([]);
  });

  it('counts what is new, changed and unmodified, and folders too', async () => {
    for (const name of ['d/a', 'd/b.x', 'e/a'] as const)
      apply({ what: 'write', path: name as 'a', sizeBytes: 10, fill: 1 });
    const first = await bench.run({ paths: [source()] });
    expect(first).toMatchObject({ comparedFiles: { new: 3, changed: 0, unmodified: 0 }, parentId: null });
    expect(first.comparedDirectories).toEqual({ new: 2, changed: 0, unmodified: 0 });
    apply({ what: 'write', path: 'd/a', sizeBytes: 11, fill: 1 });
    apply({ what: 'write', path: 'f/new' as 'a', sizeBytes: 11, fill: 2 });
    const second = await bench.run({ paths: [source()] });
    expect(second).toMatchObject({ comparedFiles: { new: 1, changed: 1, unmodified: 2 }, parentId: first.snapshotId });
    expect(second.comparedDirectories).toEqual({ new: 1, changed: 1, unmodified: 1 });
    expect(await bench.snapshot(second)).toMatchObject({ parent: first.snapshotId, files: 4 });
  });

  it('reads a file again whose chunks are stored no longer', async () => {
    apply({ what: 'write', path: 'a', sizeBytes: 5_000, fill: 1 });
    await bench.run({ paths: [source()] });
    const data = bench.network.begun.find(({ kind }) => kind === 'data')!;
    await bench.cache.forgetObjects([data.objectId]);
    const again = await bench.run({ paths: [source()] });
    expect(again.comparedFiles).toEqual({ new: 0, changed: 1, unmodified: 0 });
    expect(bench.network.begun.filter(({ kind }) => kind === 'data')).toHaveLength(2);
  });

  it('stores again what lies in objects that are marked, relies on none of them, and asks last before the snapshot', async () => {
    apply({ what: 'write', path: 'a', sizeBytes: 5_000, fill: 1 });
    apply({ what: 'write', path: 'b', sizeBytes: 5_000, fill: 2 });
    await bench.run({ paths: [source()] });
    const marked = new Set(
      bench.network.begun.filter(({ kind }) => kind !== 'snapshot').map(({ objectId }) => objectId),
    );
    const relied = new Set<string>();
    const begunBefore = bench.network.begun.length;
    let begunAtTheEnd = 0;
    bench.guard = {
      begin: async () => marked,
      relyOn: (objectId) => relied.add(objectId),
      beforeSnapshot: async () => {
        begunAtTheEnd = bench.network.begun.length;
      },
      afterSnapshot: async () => true,
    };
    const again = await bench.run({ paths: [source()] });
    expect(again).toMatchObject({ comparedFiles: { unmodified: 0 } });
    const stored = bench.network.begun.slice(begunBefore);
    expect(stored.map(({ kind }) => kind)).toEqual(['data', 'tree', 'index', 'snapshot']);
    expect([...relied]).toEqual(stored.slice(0, 2).map(({ objectId }) => objectId));
    // Everything but the snapshot was asked for before the guard was.
    expect(begunAtTheEnd).toBe(bench.network.begun.length - 1);
  });

  it('writes no snapshot when something it relies on is gone', async () => {
    apply({ what: 'write', path: 'a', sizeBytes: 5_000, fill: 1 });
    bench.guard = { ...bench.guard, beforeSnapshot: () => Promise.reject(new Error('gone')) };
    await expect(bench.run({ paths: [source()] })).rejects.toThrow('gone');
    expect(bench.network.begun.map(({ kind }) => kind)).not.toContain('snapshot');
  });

  it.each([
    ['the same machine and paths', {}, true],
    ['another host by name', { hostname: 'elsewhere' }, false],
    ['one that is said to be older', { timeMs: 1_000 }, false],
    ['none when forced', { parent: 'none' as const }, false],
  ])('takes %s', async (_what, wish, found) => {
    apply({ what: 'write', path: 'a', sizeBytes: 5, fill: 1 });
    const first = await bench.run({ paths: [source()] });
    const second = await bench.run({ paths: [source()], ...wish });
    expect(second.parentId).toBe(found ? first.snapshotId : null);
  });

  it('takes no snapshot of other paths or another machine, and the one that is named whatever it is of', async () => {
    apply({ what: 'write', path: 'd/a', sizeBytes: 5, fill: 1 });
    const first = await bench.run({ paths: [source()] });
    expect((await bench.run({ paths: [source('d')] })).parentId).toBeNull();
    const named = await bench.run({ paths: [source('d')], parent: { snapshot: first.snapshotId! } });
    expect(named.parentId).toBe(first.snapshotId);
    bench.machineId = uuidV7<PeerId>(2_000, new Uint8Array(10));
    expect((await bench.run({ paths: [source()] })).parentId).toBeNull();
  });

  it('is never one that this home did not write, unless it is named', async () => {
    apply({ what: 'write', path: 'a', sizeBytes: 5, fill: 1 });
    const foreign = await bench.run({ paths: [source()] });
    bench.ownSnapshots = [];
    const detected = await bench.run({ paths: [source()] });
    expect(detected).toMatchObject({ parentId: null, comparedFiles: { new: 1, unmodified: 0 } });
    const named = await bench.run({ paths: [source()], parent: { snapshot: foreign.snapshotId! } });
    expect(named).toMatchObject({ parentId: foreign.snapshotId, comparedFiles: { unmodified: 1 } });
  });

  it('finds with the next run what one that ignored ctime or inode let pass', async () => {
    apply({ what: 'write', path: 'a', sizeBytes: 5_000, fill: 1 });
    await bench.run({ paths: [source()] });
    apply({ what: 'write over, times kept', path: 'a', fill: 2 });
    expect(await bench.run({ paths: [source()], ignoreCtime: true })).toMatchObject({
      comparedFiles: { unmodified: 1 },
    });
    expect(await bench.run({ paths: [source()] })).toMatchObject({ comparedFiles: { changed: 1 } });
    apply({ what: 'write', path: 'b', sizeBytes: 5_000, fill: 3 });
    renameSync(source('b'), source('a'));
    const both = { ignoreCtime: true, ignoreInode: true };
    expect(await bench.run({ paths: [source()], ...both })).toMatchObject({ comparedFiles: { unmodified: 1 } });
    const inodeOnly = await bench.run({ paths: [source()], ignoreCtime: true });
    expect(inodeOnly).toMatchObject({ comparedFiles: { changed: 1, unmodified: 0 } });
  });

  it('reads a file again whose attributes could not be read, until they can be', async () => {
    apply({ what: 'write', path: 'a', sizeBytes: 5_000, fill: 1 });
    const failing = vi.spyOn(libc(), 'listXattrs').mockImplementationOnce(() => {
      throw fileError('flistxattr', constants.errno.EIO);
    });
    await bench.run({ paths: [source()] });
    failing.mockRestore();
    expect(await bench.run({ paths: [source()] })).toMatchObject({ comparedFiles: { changed: 1, unmodified: 0 } });
    expect(await bench.run({ paths: [source()] })).toMatchObject({ comparedFiles: { changed: 0, unmodified: 1 } });
  });

  it('goes on without the lists of folders that cannot be had, and tells', async () => {
    apply({ what: 'write', path: 'd/a', sizeBytes: 5, fill: 1 });
    await bench.run({ paths: [source()] });
    const tree = bench.network.begun.find(({ kind }) => kind === 'tree')!;
    rmSync(join(bench.objectsFolder, tree.objectId));
    const again = await bench.run({ paths: [source()] });
    expect(again.comparedFiles).toEqual({ new: 1, changed: 0, unmodified: 0 });
    expect(bench.events.filter(({ kind }) => kind === 'warning')).toMatchObject([{ code: 'object_unknown' }]);
  });
});

// Restoring: bytes in any order, metadata, few open files; and nothing outside the target, whatever the tree says.
import { pbkdf2 } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { RESTORE_DEPTH_MAX, RESTORE_OPEN_DIRECTORIES_MAX, RESTORE_OPEN_FILES_MAX } from './file-limits.js';
import { type RestoredMetadata, type RestoreOptions, type RestoreProblem, RestoreWriter } from './restore-writer.js';
import { describeFolder, freshFolder, withoutRoot } from './testing-folders.js';

const derive = promisify(pbkdf2);
const isRoot = process.geteuid?.() === 0;
const plain: RestoredMetadata = {
  mode: 0o644,
  mtimeNs: 1_700_000_000_123_456_000n,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
};
let folder: ReturnType<typeof freshFolder>;
let problems: RestoreProblem[];
const at = (...names: string[]) => join(folder.path, ...names);
const bytes = (text: string) => Buffer.from(text, 'latin1');
const open = (options: Partial<RestoreOptions> = {}) =>
  new RestoreWriter({ targetPath: at('target'), onProblem: (problem) => problems.push(problem), ...options });
beforeEach(() => {
  folder = freshFolder();
  problems = [];
});
afterEach(() => folder.remove());

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('a restored file', () => {
  it('gets its bytes in any order, and zeros where nothing was written', async () => {
    const writer = open();
    const file = writer.openFile(writer.root, bytes('f'), 12);
    await writer.writeAt(file, bytes('world'), 5);
    await writer.writeAt(file, bytes('hello'), 0);
    writer.finishFile(file, plain);
    writer.finishFile(writer.openFile(writer.root, bytes('holes'), 100_000), plain);
    writer.finish();
    expect(readFileSync(at('target/f'), 'latin1')).toBe('helloworld\0\0');
    expect(readFileSync(at('target/holes')).equals(Buffer.alloc(100_000))).toBe(true);
  });

  it('is readable by nobody else before it is finished', async () => {
    const writer = open();
    const file = writer.openFile(writer.root, bytes('f'), 1);
    await writer.writeAt(file, bytes('x'), 0);
    expect(lstatSync(at('target/f')).mode & 0o7777).toBe(0o600);
    writer.finishFile(file, { ...plain, mode: 0o4755 });
    writer.finish();
    expect(lstatSync(at('target/f')).mode & 0o7777).toBe(isRoot ? 0o4755 : 0o755);
  });

  it('has mode, owner and time of its entry', () => {
    const metadata = {
      mode: 0o2751,
      mtimeNs: -123_456_000n,
      uid: isRoot ? 1_234 : plain.uid,
      gid: isRoot ? 567 : plain.gid,
    };
    const writer = open({ syncFiles: true });
    writer.finishFile(writer.openFile(writer.root, bytes('f'), 0), metadata);
    writer.finish();
    const stats = lstatSync(at('target/f'), { bigint: true });
    expect(stats.mtimeNs).toBe(metadata.mtimeNs);
    expect([Number(stats.uid), Number(stats.gid)]).toEqual([metadata.uid, metadata.gid]);
    expect(Number(stats.mode) & 0o7777).toBe(isRoot ? 0o2751 : 0o751);
    expect(problems).toEqual([]);
  });

  it('loses set-user-id when the owner is not restored, since it would lend the rights of this user', () => {
    const writer = open({ restoreOwner: false });
    writer.finishFile(writer.openFile(writer.root, bytes('f'), 0), { ...plain, mode: 0o6755 });
    writer.finish();
    expect(lstatSync(at('target/f')).mode & 0o7777).toBe(0o755);
  });

  it('is kept, without set-user-id, when its owner cannot be set', async () => {
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    await withoutRoot(() => {
      const writer = open({ targetPath: at('open/target'), restoreOwner: true });
      writer.finishFile(writer.openFile(writer.root, bytes('f'), 0), {
        ...plain,
        mode: 0o4755,
        uid: 4_321,
        gid: 4_321,
      });
      writer.finish();
    });
    expect(lstatSync(at('open/target/f')).mode & 0o7777).toBe(0o755);
    expect(problems).toEqual([{ path: 'f', what: 'owner', errno: 'EPERM' }]);
  });

  it('takes no byte beyond its size', async () => {
    const writer = open();
    const file = writer.openFile(writer.root, bytes('f'), 5);
    await expect(writer.writeAt(file, bytes('x'), 5)).rejects.toMatchObject({ code: 'snapshot_damaged' });
    await writer.writeAt(file, bytes('x'), 4);
    writer.finishFile(file, plain);
    writer.finish();
    expect(lstatSync(at('target/f')).size).toBe(5);
  });

  it('that is abandoned is gone, and its name is free again', () => {
    const writer = open();
    writer.abandonFile(writer.openFile(writer.root, bytes('f'), 5));
    writer.finishFile(writer.openFile(writer.root, bytes('f'), 0), plain);
    writer.finish();
    expect(readdirSync(at('target'))).toEqual(['f']);
  });

  it('is not written through a link that somebody puts in its place', async () => {
    writeFileSync(at('outside'), 'outside');
    const writer = open();
    const file = writer.openFile(writer.root, bytes('f'), 5);
    const others = Array.from({ length: RESTORE_OPEN_FILES_MAX }, (_, i) =>
      writer.openFile(writer.root, bytes(`o${i}`), 0),
    );
    renameSync(at('target/f'), at('target/moved'));
    symlinkSync(at('outside'), at('target/f'));
    await expect(writer.writeAt(file, bytes('x'), 0)).rejects.toMatchObject({ code: 'local_disk' });
    unlinkSync(at('target/f'));
    writeFileSync(at('target/f'), 'other');
    await expect(writer.writeAt(file, bytes('x'), 0)).rejects.toMatchObject({ code: 'local_disk' });
    expect(readFileSync(at('outside'), 'latin1')).toBe('outside');
    expect(readFileSync(at('target/f'), 'latin1')).toBe('other');
    expect(others).toHaveLength(RESTORE_OPEN_FILES_MAX);
    writer.close();
  });
});

describe('many restored files', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length;

  it('are written a piece at a time with a bounded number open', async () => {
    const before = descriptors();
    const writer = open();
    const directories = Array.from({ length: 150 }, (_, i) => writer.makeDirectory(writer.root, bytes(`d${i}`), plain));
    const files = Array.from({ length: 900 }, (_, i) => writer.openFile(directories[i % 150]!, bytes(`f${i}`), 20));
    for (const offset of [10, 0]) {
      for (const [i, file] of files.entries()) await writer.writeAt(file, bytes(String(i).padEnd(10)), offset);
    }
    expect(descriptors() - before).toBeLessThanOrEqual(RESTORE_OPEN_FILES_MAX + RESTORE_OPEN_DIRECTORIES_MAX + 1);
    for (const file of files) writer.finishFile(file, plain);
    writer.finish();
    expect(descriptors()).toBe(before);
    for (let i = 0; i < 900; i++) {
      expect(readFileSync(at('target', `d${i % 150}`, `f${i}`), 'latin1')).toBe(String(i).padEnd(10).repeat(2));
    }
  });

  it('stay open while one of their writes waits, though another has ended', async () => {
    const size = 200_000;
    const writer = open();
    const file = writer.openFile(writer.root, bytes('f'), size + 1);
    // The thread pool is busy, so the large write is still to come when others need the descriptor.
    const busy = Array.from({ length: 8 }, () => derive('p', 's', 200_000, 32, 'sha256'));
    const large = writer.writeAt(file, Buffer.alloc(size, 7), 0);
    await writer.writeAt(file, bytes('x'), size);
    const others = Array.from({ length: RESTORE_OPEN_FILES_MAX + 1 }, (_, i) =>
      writer.openFile(writer.root, bytes(`o${i}`), 0),
    );
    await Promise.all([large, ...busy]);
    for (const one of [file, ...others]) writer.finishFile(one, plain);
    writer.finish();
    expect(readFileSync(at('target/f')).equals(Buffer.concat([Buffer.alloc(size, 7), bytes('x')]))).toBe(true);
    expect(lstatSync(at('target/o0')).size).toBe(0);
  });

  it('keep their bytes apart when large writes run side by side', async () => {
    const size = 200_000;
    const writer = open();
    const files = Array.from({ length: RESTORE_OPEN_FILES_MAX + 60 }, (_, i) =>
      writer.openFile(writer.root, bytes(`f${i}`), 2 * size),
    );
    const writes = files.flatMap((file, i) =>
      [0, size].map((offset) => writer.writeAt(file, Buffer.alloc(size, i % 251), offset)),
    );
    await Promise.all(writes);
    for (const file of files) writer.finishFile(file, plain);
    writer.finish();
    for (const i of files.keys()) {
      expect(readFileSync(at('target', `f${i}`)).equals(Buffer.alloc(2 * size, i % 251))).toBe(true);
    }
  });
});

describe('a restored directory', () => {
  it('is finished before the ones above it, which may be closed to this user afterwards', async () => {
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    const count = RESTORE_OPEN_DIRECTORIES_MAX + 5;
    await withoutRoot(() => {
      const writer = open({ targetPath: at('open/target') });
      const outer = writer.makeDirectory(writer.root, bytes('outer'), { ...plain, mode: 0 });
      for (let i = 0; i < count; i++) writer.makeDirectory(outer, bytes(`d${i}`), { ...plain, mode: 0o711 });
      writer.finish();
    });
    expect(problems).toEqual([]);
    expect(lstatSync(at('open/target/outer')).mode & 0o7777).toBe(0);
    chmodSync(at('open/target/outer'), 0o700);
    for (let i = 0; i < count; i++) expect(lstatSync(at(`open/target/outer/d${i}`)).mode & 0o7777).toBe(0o711);
  });

  it('has its mode and time after its children were written, also when nobody may write there', () => {
    const writer = open();
    const outer = writer.makeDirectory(writer.root, bytes('outer'), { ...plain, mode: 0o555, mtimeNs: 1_000_000_000n });
    const inner = writer.makeDirectory(outer, bytes('inner'), { ...plain, mode: 0o500, mtimeNs: 2_000_000_000n });
    expect(lstatSync(at('target/outer')).mode & 0o7777).toBe(0o700);
    const file = writer.openFile(inner, bytes('f'), 0);
    writer.makeDirectory(outer, bytes('later'), plain);
    writer.finishFile(file, plain);
    writer.finish();
    const [outerStats, innerStats] = ['target/outer', 'target/outer/inner'].map((name) =>
      lstatSync(at(name), { bigint: true }),
    );
    expect([outerStats!.mtimeNs, Number(outerStats!.mode) & 0o7777]).toEqual([1_000_000_000n, 0o555]);
    expect([innerStats!.mtimeNs, Number(innerStats!.mode) & 0o7777]).toEqual([2_000_000_000n, 0o500]);
    expect(problems).toEqual([]);
  });

  it('may lie deeper than any path can say', () => {
    const writer = open();
    let directory = writer.root;
    for (let i = 0; i < 40; i++)
      directory = writer.makeDirectory(directory, bytes('x'.repeat(200)), { ...plain, mode: 0o755 });
    writer.finishFile(writer.openFile(directory, bytes('f'), 0), plain);
    writer.finish();
    expect(problems).toEqual([]);
  });

  it('is refused below the depth that a path can have', () => {
    const writer = open();
    let directory = writer.root;
    for (let i = 0; i < RESTORE_DEPTH_MAX; i++)
      directory = writer.makeDirectory(directory, bytes('d'), { ...plain, mode: 0o755 });
    expect(refusal(() => writer.makeDirectory(directory, bytes('d'), plain))).toBe('name_hostile');
    writer.finish();
  });

  it('that somebody replaced is left alone and reported, and the others are finished', () => {
    mkdirSync(at('outside'), { mode: 0o711 });
    const writer = open();
    writer.makeDirectory(writer.root, bytes('mine'), { ...plain, mode: 0o755 });
    for (let i = 0; i < RESTORE_OPEN_DIRECTORIES_MAX; i++)
      writer.makeDirectory(writer.root, bytes(`d${i}`), { ...plain, mode: 0o750 });
    renameSync(at('target/mine'), at('target/moved'));
    symlinkSync(at('outside'), at('target/mine'));
    writer.finish();
    expect(lstatSync(at('outside')).mode & 0o7777).toBe(0o711);
    expect(lstatSync(at('target/d0')).mode & 0o7777).toBe(0o750);
    expect(problems).toMatchObject([{ path: 'mine', what: 'folder' }]);
  });
});

describe('a restored link', () => {
  it('has its target as it was, its own owner and time, and is not followed', () => {
    writeFileSync(at('outside'), 'outside');
    const before = describeFolder(at('outside'));
    const writer = open();
    writer.makeSymlink(writer.root, bytes('a'), bytes(at('outside')), {
      ...plain,
      mtimeNs: 5_000_000n,
      uid: isRoot ? 77 : plain.uid,
    });
    writer.makeSymlink(writer.root, bytes('b'), Buffer.from([0xff]), plain);
    writer.finish();
    expect(readlinkSync(at('target/a'))).toBe(at('outside'));
    expect(readlinkSync(at('target/b'), { encoding: 'buffer' })).toEqual(Buffer.from([0xff]));
    const stats = lstatSync(at('target/a'), { bigint: true });
    expect([stats.mtimeNs, Number(stats.uid)]).toEqual([5_000_000n, isRoot ? 77 : plain.uid]);
    expect(describeFolder(at('outside'))).toEqual(before);
  });

  it.each([[''], ['a\0b'], ['x'.repeat(5_000)]])('with the target %j is refused', (target) => {
    const writer = open();
    expect(refusal(() => writer.makeSymlink(writer.root, bytes('a'), bytes(target), plain))).toBe('name_hostile');
    writer.finish();
    expect(readdirSync(at('target'))).toEqual([]);
  });
});

describe('a hostile name', () => {
  it.each([[''], ['.'], ['..'], ['/'], ['/etc'], ['a/b'], ['../x'], ['a\0'], ['x'.repeat(300)], ['x'.repeat(5_000)]])(
    '%j is refused for every kind of entry, and the rest goes on',
    (name) => {
      const writer = open();
      expect(refusal(() => writer.makeDirectory(writer.root, bytes(name), plain))).toBe('name_hostile');
      expect(refusal(() => writer.openFile(writer.root, bytes(name), 0))).toBe('name_hostile');
      expect(refusal(() => writer.makeSymlink(writer.root, bytes(name), bytes('t'), plain))).toBe('name_hostile');
      writer.makeDirectory(writer.root, bytes('good'), plain);
      writer.finish();
      expect(readdirSync(at('target'))).toEqual(['good']);
      expect(readdirSync(folder.path)).toEqual(['target']);
    },
  );

  it('that is taken is refused, whatever took it', () => {
    mkdirSync(at('outside'));
    const kinds = [
      (writer: RestoreWriter) => writer.makeDirectory(writer.root, bytes('n'), plain),
      (writer: RestoreWriter) => writer.makeSymlink(writer.root, bytes('n'), bytes('../outside'), plain),
      (writer: RestoreWriter) => writer.finishFile(writer.openFile(writer.root, bytes('n'), 0), plain),
    ];
    for (const first of kinds) {
      const writer = open();
      first(writer);
      for (const second of kinds) expect(refusal(() => second(writer))).toBe('name_taken');
      writer.finish();
      rmSync(at('target'), { recursive: true });
    }
    expect(readdirSync(at('outside'))).toEqual([]);
  });
});

type Step = { what: 'dir' | 'link' | 'file' | 'swap'; parent: number; name: string; linkTarget: string; mode: number };

const NAMES = ['', '.', '..', '/', '/etc', 'a', 'A', 'b', 'a/b', 'a/../..', '../sentinel', '../sentinel/f', 'sentinel'];
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES, 'a\0', '..\0', 'x'.repeat(300), '\xff', './a', '~', '-rf', '*') },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((random) => Buffer.from(random).toString('latin1')) },
);
const linkTarget = fc.constantFrom(
  '../sentinel',
  '../../sentinel',
  'SENTINEL',
  'SENTINEL/f',
  '/',
  '..',
  '.',
  'a',
  '',
  '\0',
);
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('dir', 'dir', 'link', 'file', 'swap'),
  parent: fc.nat(20),
  name,
  linkTarget,
  mode: fc.integer({ min: 0, max: 0o7777 }),
});

describe('whatever a tree says', () => {
  it('nothing outside the target changes', async () => {
    mkdirSync(at('sentinel/d'), { recursive: true });
    writeFileSync(at('sentinel/f'), 'sentinel');
    symlinkSync('f', at('sentinel/link'));
    const before = describeFolder(at('sentinel'));
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const writer = open();
        const directories = [{ directory: writer.root, path: bytes(at('target')) }];
        for (const one of steps) {
          const parent = directories[one.parent % directories.length]!;
          const metadata = { ...plain, mode: one.what === 'dir' ? one.mode | 0o700 : one.mode };
          const entryName = bytes(one.name);
          const target = bytes(one.linkTarget.replace('SENTINEL', at('sentinel')));
          const path = Buffer.concat([parent.path, bytes('/'), entryName]);
          try {
            if (one.what === 'dir') {
              directories.push({ directory: writer.makeDirectory(parent.directory, entryName, metadata), path });
            } else if (one.what === 'link') {
              writer.makeSymlink(parent.directory, entryName, target, metadata);
            } else if (one.what === 'file') {
              const file = writer.openFile(parent.directory, entryName, 5);
              await writer.writeAt(file, bytes('hello'), 0);
              writer.finishFile(file, metadata);
            } else if (directories.length > 1 && lstatSync(parent.path, { throwIfNoEntry: false })?.isDirectory()) {
              // Somebody else in the target replaces a directory that the restore made by a link out of it.
              if (parent === directories[0]) continue;
              renameSync(parent.path, Buffer.concat([bytes(at('target/moved-')), bytes(String(accepted))]));
              symlinkSync(at('sentinel'), parent.path);
            }
            accepted += 1;
          } catch (error) {
            if (!isRefusal(error)) throw error;
          }
        }
        writer.finish();
        rmSync(at('target'), { recursive: true });
        expect(readdirSync(folder.path)).toEqual(['sentinel']);
        expect(describeFolder(at('sentinel'))).toEqual(before);
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(2_000);
  });
});

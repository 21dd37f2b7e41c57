// The calls of libc on real files: times to the nanosecond, attributes, ACLs, nodes, holes; and what stands in for them.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceNumberOf, packDeviceNumber } from './device-number.js';
import { fileError } from './file-error.js';
import { bindLibc, libc } from './libc.js';
import { loadLinuxLibc } from './libc-linux.js';
import { freshFolder } from './testing-folders.js';

const isRoot = process.geteuid?.() === 0;
let folder: ReturnType<typeof freshFolder>;
const at = (...names: string[]): Buffer => Buffer.from(join(folder.path, ...names));
beforeEach(() => {
  folder = freshFolder();
  writeFileSync(at('file'), 'content');
  mkdirSync(at('folder'));
  symlinkSync('file', at('link'));
});
afterEach(() => folder.remove());

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: folder.path }).toString('latin1');

function withDescriptor<T>(path: Buffer, use: (descriptor: number) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'syscall' in error) return String(error.code);
    throw error;
  }
  return 'done';
};

describe('times', () => {
  it.each([['file'], ['folder'], ['link']])('of a %s are set to the nanosecond, by path', (name) => {
    for (const timeNs of [1_700_000_000_123_456_789n, -1n, 0n, -2_000_000_001n]) {
      libc().utimensNs(at(name), timeNs);
      expect(lstatSync(at(name), { bigint: true })).toMatchObject({ mtimeNs: timeNs, atimeNs: timeNs });
    }
    // The link was not followed.
    if (name === 'link') expect(lstatSync(at('file'), { bigint: true }).mtimeNs).toBeGreaterThan(0n);
  });

  it.each([['file'], ['folder']])('of an open %s are set to the nanosecond', (name) => {
    withDescriptor(at(name), (descriptor) => libc().futimensNs(descriptor, 1_700_000_000_999_999_999n));
    expect(lstatSync(at(name), { bigint: true }).mtimeNs).toBe(1_700_000_000_999_999_999n);
  });

  it('of what is not there are an error as Node throws it', () => {
    expect(codeOf(() => libc().utimensNs(at('nothing'), 1n))).toBe('ENOENT');
    expect(codeOf(() => libc().futimensNs(-1, 1n))).toBe('EBADF');
  });
});

describe('extended attributes', () => {
  const rawName = Buffer.from('user.\xe9\xff\n', 'latin1');

  it.each([['file'], ['folder']])('of a %s, by path and by descriptor, are what others read', (name) => {
    expect(libc().listXattrs(at(name))).toEqual([]);
    libc().setXattr(at(name), Buffer.from('user.path'), Buffer.from('by path'));
    withDescriptor(at(name), (descriptor) => {
      libc().setXattr(descriptor, Buffer.from('user.a'), Buffer.from([0, 255, 10]));
      expect(libc().listXattrs(descriptor)).toEqual([Buffer.from('user.a'), Buffer.from('user.path')]);
      expect(libc().getXattr(descriptor, Buffer.from('user.path'))).toEqual(Buffer.from('by path'));
    });
    expect(libc().getXattr(at(name), Buffer.from('user.a'))).toEqual(Buffer.from([0, 255, 10]));
    expect(run('getfattr', '-d', '-e', 'hex', name)).toContain('user.a=0x00ff0a\n');
    withDescriptor(at(name), (descriptor) => libc().removeXattr(descriptor, Buffer.from('user.a')));
    libc().removeXattr(at(name), Buffer.from('user.path'));
    expect(libc().listXattrs(at(name))).toEqual([]);
  });

  it('keep names that are no UTF-8, empty values and values of 64 KiB, in byte order of names', () => {
    const large = Buffer.alloc(65_536, 7);
    // Disks bound what one file may hold: tmpfs takes a value of 64 KiB, ext4 a block.
    const takesLarge = codeOf(() => libc().setXattr(at('file'), Buffer.from('user.z'), large)) === 'done';
    libc().setXattr(at('file'), rawName, Buffer.alloc(0));
    libc().setXattr(at('file'), Buffer.from('user.Z'), Buffer.from('upper'));
    const names = [Buffer.from('user.Z'), ...(takesLarge ? [Buffer.from('user.z')] : []), rawName];
    expect(libc().listXattrs(at('file'))).toEqual(names);
    expect(libc().getXattr(at('file'), rawName)).toEqual(Buffer.alloc(0));
    expect(libc().getXattr(at('file'), Buffer.from('user.z'))).toEqual(takesLarge ? large : null);
  });

  it('of a link are its own', () => {
    libc().setXattr(at('file'), Buffer.from('user.file'), Buffer.from('own'));
    expect(libc().listXattrs(at('link'))).toEqual([]);
    expect(libc().getXattr(at('link'), Buffer.from('user.file'))).toBeNull();
    // Linux gives links no attributes of users, and others to root alone.
    const set = (name: string) => codeOf(() => libc().setXattr(at('link'), Buffer.from(name), Buffer.from('own')));
    expect(set('user.link')).toBe('EPERM');
    expect(set('trusted.link')).toBe(isRoot ? 'done' : 'EPERM');
    expect(libc().listXattrs(at('link')).map(String)).toEqual(isRoot ? ['trusted.link'] : []);
    expect(libc().listXattrs(at('file')).map(String)).toEqual(['user.file']);
  });

  it('of a file that has none are null, and of no file an error', () => {
    expect(libc().getXattr(at('file'), Buffer.from('user.none'))).toBeNull();
    expect(codeOf(() => libc().listXattrs(at('nothing')))).toBe('ENOENT');
    expect(codeOf(() => libc().removeXattr(at('file'), Buffer.from('user.none')))).toBe('ENODATA');
  });

  it('carry ACLs from one file to another', () => {
    run('setfacl', '-m', 'u:1234:rwx,g:4321:r', 'file');
    run('setfacl', '-d', '-m', 'u:77:rx', 'folder');
    writeFileSync(at('copy'), '');
    mkdirSync(at('copies'));
    for (const [from, to] of [['file', 'copy'] as const, ['folder', 'copies'] as const])
      for (const name of libc().listXattrs(at(from)))
        libc().setXattr(at(to), name, libc().getXattr(at(from), name) ?? Buffer.alloc(0));
    expect(libc().listXattrs(at('copy')).map(String)).toEqual(['system.posix_acl_access']);
    expect(libc().listXattrs(at('copies')).map(String)).toEqual(['system.posix_acl_default']);
    const aclOf = (name: string): string => run('getfacl', '--omit-header', '--numeric', name);
    expect(aclOf('copy')).toContain('user:1234:rwx\n');
    expect([aclOf('copy'), aclOf('copies')]).toEqual([aclOf('file'), aclOf('folder')]);
  });

  it('are refused for a path or a name with a NUL, which would mean another', () => {
    expect(codeOf(() => libc().listXattrs(Buffer.concat([at('file'), Buffer.from('\0x')])))).toBe('EINVAL');
    expect(codeOf(() => libc().setXattr(at('file'), Buffer.from('user.a\0b'), Buffer.alloc(1)))).toBe('EINVAL');
  });
});

describe('nodes', () => {
  it('are made with their kind and mode, and replace nothing', () => {
    const umask = process.umask(0);
    libc().mkfifo(at('fifo'), 0o640);
    libc().mknod(at('other'), 'fifo', 0o606);
    libc().mknod(at('socket'), 'socket', 0o600);
    process.umask(umask);
    const told = run('stat', '-c', '%F %a', 'fifo', 'other', 'socket').trim().split('\n');
    expect(told).toEqual(['fifo 640', 'fifo 606', 'socket 600']);
    expect(codeOf(() => libc().mkfifo(at('link'), 0o600))).toBe('EEXIST');
  });

  it('are devices with their numbers for root, and refused to others', () => {
    const make = (name: string, type: 'chardev' | 'blockdev', major: number, minor: number): string =>
      codeOf(() => libc().mknod(at(name), type, 0o600, { major, minor }));
    const outcome = isRoot ? 'done' : 'EPERM';
    expect(make('character', 'chardev', 1, 3)).toBe(outcome);
    expect(make('block', 'blockdev', 259, 70_000)).toBe(outcome);
    const told = isRoot ? run('stat', '-c', '%F %Hr:%Lr', 'character', 'block').trim().split('\n') : [];
    expect(told).toEqual(isRoot ? ['character special file 1:3', 'block special file 259:70000'] : []);
    expect(deviceNumberOf(lstatSync('/dev/null', { bigint: true }).rdev)).toEqual({ major: 1, minor: 3 });
  });

  it('have numbers that pack and unpack, whatever they are', () => {
    const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(number, number, (major, minor) => {
        expect(deviceNumberOf(packDeviceNumber({ major, minor }))).toEqual({ major, minor });
      }),
    );
  });
});

describe('holes', () => {
  it('are found between data and at the end', () => {
    const descriptor = openSync(at('sparse'), 'w+');
    const MiB = 1024 * 1024;
    writeSync(descriptor, Buffer.alloc(MiB, 1), 0, MiB, 4 * MiB);
    ftruncateSync(descriptor, 16 * MiB);
    expect(libc().seekData(descriptor, 0)).toBe(4 * MiB);
    expect(libc().seekHole(descriptor, 4 * MiB)).toBe(5 * MiB);
    expect(libc().seekData(descriptor, 5 * MiB)).toBeNull();
    expect(libc().seekHole(descriptor, 16 * MiB)).toBeNull();
    closeSync(descriptor);
  });
});

describe('whole files', () => {
  it('share their bytes where the disk can, as cp --reflink does', () => {
    writeFileSync(at('to'), '');
    const to = openSync(at('to'), 'r+');
    const shares = withDescriptor(at('file'), (from) => libc().cloneFile(from, to));
    closeSync(to);
    const copied = spawnSync('cp', ['--reflink=always', 'file', 'copy'], { cwd: folder.path }).status === 0;
    expect([shares, readFileSync(at('to'), 'latin1')]).toEqual([copied, copied ? 'content' : '']);
  });

  it('are flushed by one call for all of their file system', () => {
    expect(withDescriptor(at('folder'), (descriptor) => libc().syncFileSystem(descriptor))).toBe(true);
    expect(codeOf(() => libc().syncFileSystem(1_000_000))).toBe('EBADF');
  });
});

describe('where libc cannot be loaded', () => {
  const plain = bindLibc('linux', () => {
    throw Object.assign(new Error('no such module'), { code: 'MODULE_NOT_FOUND' });
  });

  it('says why, and on Linux nothing is missing', () => {
    expect(plain.missing).toBe('MODULE_NOT_FOUND');
    expect(bindLibc('darwin', loadLinuxLibc).missing).toBe('darwin');
    expect(libc().missing).toBeNull();
  });

  it('sets times to the microsecond, finds no attributes and takes every file for data', () => {
    plain.utimensNs(at('link'), 1_700_000_000_123_456_789n);
    expect(lstatSync(at('link'), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_000n);
    withDescriptor(at('file'), (descriptor) => {
      plain.futimensNs(descriptor, -1n);
      expect(lstatSync(at('file'), { bigint: true }).mtimeNs).toBe(-1_000n);
      expect([plain.seekData(descriptor, 5), plain.seekHole(descriptor, 5)]).toEqual([5, null]);
      expect([plain.cloneFile(descriptor, descriptor), plain.syncFileSystem(descriptor)]).toEqual([false, false]);
    });
    libc().setXattr(at('file'), Buffer.from('user.a'), Buffer.from('b'));
    expect(plain.listXattrs(at('file'))).toEqual([]);
    expect(plain.getXattr(at('file'), Buffer.from('user.a'))).toBeNull();
  });

  it('refuses what it cannot do, as a disk without support does', () => {
    for (const call of [
      () => plain.setXattr(at('file'), Buffer.from('user.a'), Buffer.alloc(1)),
      () => plain.removeXattr(at('file'), Buffer.from('user.a')),
      () => plain.mkfifo(at('fifo'), 0o600),
      () => plain.mknod(at('fifo'), 'fifo', 0o600),
    ]) {
      expect(codeOf(call)).toBe('ENOTSUP');
    }
  });

  it('tells errors as Node does', () => {
    expect(fileError('mkfifo', 17)).toMatchObject({ code: 'EEXIST', errno: -17, syscall: 'mkfifo' });
  });
});

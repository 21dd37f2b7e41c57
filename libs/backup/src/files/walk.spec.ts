// Walking: order, kinds of entries, hostile disks, roots of one and several paths.
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WALK_STEPS_PER_TURN } from './file-limits.js';
import { libc } from './libc.js';
import { compileExcludes } from './path-patterns.js';
import { freshFolder, withoutRoot } from './testing-folders.js';
import { type WalkEvent, walk } from './walk.js';
import { resolveRoots } from './walk-roots.js';

let folder: ReturnType<typeof freshFolder>;
const at = (...names: string[]) => join(folder.path, ...names);
beforeEach(() => {
  folder = freshFolder();
});
afterEach(() => folder.remove());

async function events(paths: string[], omitText: (path: string) => boolean = () => false): Promise<WalkEvent[]> {
  const all: WalkEvent[] = [];
  const omit = (path: Buffer): boolean => omitText(path.toString());
  for await (const event of walk(resolveRoots(paths).roots, omit)) all.push(event);
  return all;
}

const short = (all: WalkEvent[]) =>
  all.map((event) => {
    const kind = event.type === 'skipped' ? `skipped ${event.reason}` : event.type;
    return `${event.depth} ${kind} ${event.name.toString('latin1')}`;
  });

describe('walk', () => {
  it('gives entries in byte order of names, and children before their directory is left', async () => {
    for (const name of ['b', 'B', 'a', 'é', 'a.b']) writeFileSync(at(name), name);
    mkdirSync(at('a-dir', 'inner'), { recursive: true });
    writeFileSync(at('a-dir', 'z'), '');
    const e = Buffer.from('é').toString('latin1');
    expect(short(await events([folder.path]))).toEqual([
      '0 enter-dir ',
      '1 file B',
      '1 file a',
      '1 enter-dir a-dir',
      '2 enter-dir inner',
      '2 leave-dir inner',
      '2 file z',
      '1 leave-dir a-dir',
      '1 file a.b',
      '1 file b',
      `1 file ${e}`,
      '0 leave-dir ',
    ]);
  });

  it('tells mode, times in nanoseconds, owner and size', async () => {
    writeFileSync(at('f'), 'hello');
    chmodSync(at('f'), 0o4751);
    utimesSync(at('f'), 1_700_000_000.5, 1_700_000_000.5);
    const file = (await events([folder.path])).find((event) => event.type === 'file');
    const owner = { uid: process.getuid?.(), gid: process.getgid?.() };
    expect(file?.stat).toMatchObject({ mode: 0o4751, mtimeNs: 1_700_000_000_500_000_000n, sizeBytes: 5, ...owner });
    expect(file?.path.toString()).toBe(at('f'));
  });

  it('keeps names and link targets that are no UTF-8', async () => {
    const name = Buffer.from([0x66, 0xff, 0x80]);
    writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/`), name]), 'x');
    symlinkSync(Buffer.from([0xfe]), at('link'));
    const all = await events([folder.path]);
    expect(all.filter((event) => event.type === 'file').map((event) => event.name)).toEqual([name]);
    expect(all.filter((event) => event.type === 'symlink').map((event) => event.linkTarget)).toEqual([
      Buffer.from([0xfe]),
    ]);
  });

  it('follows no link, so a link to a directory above is one entry', async () => {
    symlinkSync('..', at('loop'));
    symlinkSync(folder.path, at('self'));
    symlinkSync('nowhere', at('broken'));
    expect(short(await events([folder.path]))).toEqual([
      '0 enter-dir ',
      '1 symlink broken',
      '1 symlink loop',
      '1 symlink self',
      '0 leave-dir ',
    ]);
  });

  it('tells sockets and FIFOs, and devices with their numbers', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(at('socket'), listening));
    libc().mkfifo(Buffer.from(at('fifo')), 0o600);
    writeFileSync(at('z'), '');
    const seen = await events([folder.path, '/dev/null']);
    await new Promise((closed) => server.close(closed));
    const told = seen.flatMap((event) =>
      event.type === 'special' ? [[event.name.toString(), event.special, event.device]] : [],
    );
    expect(told).toEqual(
      expect.arrayContaining([
        ['fifo', 'fifo', undefined],
        ['socket', 'socket', undefined],
        ['null', 'chardev', { major: 1, minor: 3 }],
      ]),
    );
    expect(told).toHaveLength(3);
    expect(short(seen)).toContain('2 file z');
  });

  it('tells how many names a file has, and by which number they are one', async () => {
    writeFileSync(at('one'), '');
    linkSync(at('one'), at('two'));
    writeFileSync(at('single'), '');
    const files = (await events([folder.path])).filter((event) => event.type === 'file');
    expect(files.map(({ name, stat }) => [name.toString(), stat.linkCount])).toEqual([
      ['one', 2],
      ['single', 1],
      ['two', 2],
    ]);
    expect(files[0]!.stat.inode).toBe(files[2]!.stat.inode);
  });

  it('skips a directory that this user may not read and goes on', async () => {
    mkdirSync(at('closed'));
    writeFileSync(at('z'), '');
    chmodSync(at('closed'), 0);
    const seen = short(await withoutRoot(() => events([folder.path])));
    chmodSync(at('closed'), 0o700);
    expect(seen).toEqual(['0 enter-dir ', '1 skipped permission closed', '1 file z', '0 leave-dir ']);
  });

  it('skips what vanished after its directory was listed', async () => {
    for (const name of ['a', 'b', 'c']) writeFileSync(at(name), '');
    const seen: WalkEvent[] = [];
    for await (const event of walk(resolveRoots([folder.path]).roots)) {
      seen.push(event);
      if (event.type === 'file' && event.name.toString() === 'a') unlinkSync(at('b'));
    }
    expect(short(seen)).toEqual(['0 enter-dir ', '1 file a', '1 skipped vanished b', '1 file c', '0 leave-dir ']);
  });

  it('leaves out what the patterns choose, with all below', async () => {
    mkdirSync(at('node_modules', 'x'), { recursive: true });
    mkdirSync(at('src'));
    for (const name of ['a.tmp', 'src/b.tmp', 'src/b.ts']) writeFileSync(at(name), '');
    const omit = compileExcludes(['node_modules', '*.tmp', basename(folder.path)]);
    expect(short(await events([folder.path], omit))).toEqual([
      '0 enter-dir ',
      '1 enter-dir src',
      '2 file b.ts',
      '1 leave-dir src',
      '0 leave-dir ',
    ]);
  });

  it('lets the event loop turn while it walks', async () => {
    for (let i = 0; i < WALK_STEPS_PER_TURN * 4; i++) writeFileSync(at(`f${i}`), '');
    let turns = 0;
    const count = () => {
      turns += 1;
      turning = setImmediate(count);
    };
    let turning = setImmediate(count);
    await events([folder.path]);
    clearImmediate(turning);
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it('walks a tree as deep as a path can be', async () => {
    let path = folder.path;
    let depth = 0;
    for (; path.length < 4_000; depth++) {
      path = join(path, 'deep');
      mkdirSync(path);
    }
    expect((await events([folder.path])).filter((event) => event.type === 'leave-dir')).toHaveLength(depth + 1);
  });
});

describe('the root of a snapshot', () => {
  it('is the content of one directory', async () => {
    writeFileSync(at('f'), '');
    expect(short(await events([folder.path]))).toEqual(['0 enter-dir ', '1 file f', '0 leave-dir ']);
  });

  it('has one entry for one file', async () => {
    writeFileSync(at('f'), '');
    expect(short(await events([at('f')]))).toEqual(['0 enter-dir ', '1 file f', '0 leave-dir ']);
  });

  it('has one entry for a link that is given, which is not followed', async () => {
    symlinkSync('.', at('here'));
    expect(short(await events([at('here')]))).toEqual(['0 enter-dir ', '1 symlink here', '0 leave-dir ']);
    expect(readlinkSync(at('here'))).toBe('.');
  });

  it('has an entry for each of several paths, with names made unique, in byte order', async () => {
    for (const name of ['1/x', '2/x', '3/x-2', '4/a']) mkdirSync(at(name), { recursive: true });
    writeFileSync(at('2/x/inside'), '');
    const paths = ['1/x', '2/x', '3/x-2', '4/a', '4/a'].map((name) => at(name));
    const all = await events(paths);
    expect(short(all).filter((line) => line.includes('enter-dir') || line.includes('file'))).toEqual([
      '0 enter-dir ',
      '1 enter-dir a',
      '1 enter-dir x',
      '1 enter-dir x-2',
      '2 file inside',
      '1 enter-dir x-2-2',
    ]);
    expect(all.find((event) => event.type === 'file')?.path.toString()).toBe(at('2/x/inside'));
  });

  it('walks the given paths even when a pattern would leave them out', async () => {
    mkdirSync(at('tmp'));
    mkdirSync(at('x'));
    const seen = short(await events([at('tmp'), at('x')], compileExcludes(['tmp'])));
    expect(seen).toContain('1 enter-dir tmp');
  });

  it('refuses paths of which none exists', () => {
    expect(() => resolveRoots([at('missing'), at('gone')])).toThrowError(
      expect.objectContaining({ code: 'path_missing' }),
    );
  });

  it('tells which of several do not exist, and keeps the names that the others have beside them', () => {
    mkdirSync(at('x', 'same'), { recursive: true });
    const { roots, missing, paths } = resolveRoots([at('missing'), at('gone', 'same'), at('x', 'same')]);
    expect(roots.entries.map(({ name }) => name.toString())).toEqual(['same-2']);
    expect(missing.map(({ path, reason }) => [path.toString(), reason])).toEqual([
      [at('missing'), 'vanished'],
      [at('gone', 'same'), 'vanished'],
    ]);
    expect(paths.map(String)).toEqual([at('missing'), at('gone', 'same'), at('x', 'same')]);
  });

  it('lists the one that is left, and not its content, when the other does not exist', () => {
    mkdirSync(at('x'));
    const { roots } = resolveRoots([at('x'), at('missing')]);
    expect([roots.directory, roots.entries.map(({ name }) => name.toString())]).toEqual([null, ['x']]);
  });

  it('takes a path of raw bytes, relative and with dots', () => {
    const name = Buffer.from([0xff, 0x66]);
    const path = Buffer.concat([Buffer.from(`${folder.path}/.//x/../`), name]);
    const plain = Buffer.concat([Buffer.from(`${folder.path}/`), name]);
    mkdirSync(plain);
    expect(resolveRoots([path]).roots.directory).toEqual(plain);
  });

  it('is skipped when it cannot be read', async () => {
    chmodSync(folder.path, 0);
    const seen = short(await withoutRoot(() => events([folder.path])));
    chmodSync(folder.path, 0o700);
    expect(seen).toEqual(['0 skipped permission ']);
  });

  it('is skipped when it vanished after it was looked up', async () => {
    mkdirSync(at('gone'));
    const { roots } = resolveRoots([at('gone')]);
    rmSync(at('gone'), { recursive: true });
    const seen: WalkEvent[] = [];
    for await (const event of walk(roots)) seen.push(event);
    expect(short(seen)).toEqual(['0 skipped vanished ']);
  });
});

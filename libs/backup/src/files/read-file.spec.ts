// Reading files for a backup: whole, in pieces, changing, replaced by other things.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EntryStat, entryStatOf } from './entry-stat.js';
import { SMALL_FILE_BYTES_MAX } from './file-limits.js';
import { libc } from './libc.js';
import { openSource, readSmallFile, SourceFile } from './read-file.js';
import { freshFolder, withoutRoot } from './testing-folders.js';

const buffer = Buffer.alloc(SMALL_FILE_BYTES_MAX + 1);
let folder: ReturnType<typeof freshFolder>;
let path: Buffer;
beforeEach(() => {
  folder = freshFolder();
  path = Buffer.from(join(folder.path, 'f'));
});
afterEach(() => folder.remove());

const statOf = (place: Buffer): EntryStat => entryStatOf(lstatSync(place, { bigint: true }));
const noXattrs = () => undefined;
const readNow = () => readSmallFile(path, statOf(path), buffer, noXattrs);
const patterned = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31) ^ (i >> 8)));

describe('a small file', () => {
  it.each([[0], [1], [5_000], [SMALL_FILE_BYTES_MAX]])('of %i bytes is read whole', (length) => {
    writeFileSync(path, patterned(length));
    const file = readNow();
    expect(file).toMatchObject({ ok: true, changed: false, stat: { sizeBytes: length } });
    expect(file.ok && file.bytes.equals(patterned(length))).toBe(true);
  });

  it('that grew beyond small is left to the other reader', () => {
    writeFileSync(path, 'x');
    const before = statOf(path);
    writeFileSync(path, patterned(SMALL_FILE_BYTES_MAX + 1));
    expect(readSmallFile(path, before, buffer, noXattrs)).toMatchObject({ ok: false, reason: 'grown' });
  });

  it('that changed after the walk and is quiet since is whole, with its new stat', () => {
    writeFileSync(path, 'old');
    const before = statOf(path);
    writeFileSync(path, 'newer');
    const file = readSmallFile(path, before, buffer, noXattrs);
    expect(file).toMatchObject({ ok: true, changed: false, stat: { sizeBytes: 5 } });
    expect(file.ok && file.bytes.toString()).toBe('newer');
  });

  it('that keeps changing between readings is reported', () => {
    writeFileSync(path, 'old');
    const before = statOf(path);
    // Whoever compares the first reading with the walk finds that the file is being written to at that very moment.
    const restless = {
      ...before,
      get sizeBytes(): number {
        appendFileSync(path, 'x');
        return before.sizeBytes;
      },
    };
    expect(readSmallFile(path, restless, buffer, noXattrs)).toMatchObject({ ok: true, changed: true });
  });

  it('is not read through a link that took its place', () => {
    writeFileSync(join(folder.path, 'secret'), 'secret');
    symlinkSync('secret', path);
    expect(readNow()).toMatchObject({ ok: false, reason: 'vanished', errno: 'ELOOP' });
    expect(openSource(path)).toMatchObject({ ok: false, reason: 'vanished', errno: 'ELOOP' });
  });

  it('does not hang on a FIFO that took its place', () => {
    execFileSync('mkfifo', [path.toString()]);
    expect(readNow()).toMatchObject({ ok: false, reason: 'vanished' });
    expect(openSource(path)).toMatchObject({ ok: false, reason: 'vanished' });
  });

  it('is not a directory that took its place', () => {
    mkdirSync(path.toString());
    expect(readNow()).toMatchObject({ ok: false, reason: 'vanished' });
    expect(openSource(path)).toMatchObject({ ok: false, reason: 'vanished' });
  });

  it('that is gone, or closed to this user, is told apart', async () => {
    writeFileSync(path, 'x');
    const before = statOf(path);
    chmodSync(path, 0);
    expect(await withoutRoot(readNow)).toMatchObject({ ok: false, reason: 'permission', errno: 'EACCES' });
    expect(readSmallFile(Buffer.from(`${path}-gone`), before, buffer, noXattrs)).toMatchObject({
      ok: false,
      reason: 'vanished',
    });
  });

  it('of another user is read, though its access time cannot be left alone', async () => {
    writeFileSync(path, 'x');
    chmodSync(path, 0o644);
    expect(await withoutRoot(readNow)).toMatchObject({ ok: true });
  });
});

describe('a small file with attributes', () => {
  it('has them read while it is open, and the stat is of afterwards', () => {
    writeFileSync(path, 'x');
    const before = statOf(path);
    const file = readSmallFile(path, before, buffer, (descriptor) => {
      expect(fstatSync(descriptor, { bigint: true }).ino).toBe(before.inode);
      libc().setXattr(descriptor, Buffer.from('user.a'), Buffer.from('b'));
      return [{ name: Buffer.from('user.a'), value: Buffer.from('b') }];
    });
    expect(file).toMatchObject({ ok: true, changed: false, xattrs: [{ value: Buffer.from('b') }] });
    expect(file.ok && file.stat.ctimeNs).toBe(statOf(path).ctimeNs);
  });
});

describe('a file of any size', () => {
  function open(): SourceFile {
    const opened = openSource(path);
    if (!opened.ok) throw new Error(opened.errno);
    return opened.file;
  }

  /** All of it, in pieces of so many bytes, read into memory that is not zero. */
  async function readAll(file: SourceFile, pieceBytes: number): Promise<Buffer> {
    const back = Buffer.alloc(file.stat.sizeBytes, 0xee);
    let done = 0;
    for (let n = -1; n !== 0; done += n) n = await file.read(back, done, Math.min(pieceBytes, back.length - done));
    expect(done).toBe(back.length);
    return back;
  }

  const sparseCases: readonly (readonly [string, readonly (readonly [number, number])[], number])[] = [
    ['at its start and end', [[300_000, 400_000]], 1_000_000],
    [
      'between data',
      [
        [0, 4_096],
        [500_000, 600_001],
        [900_000, 1_000_000],
      ],
      1_000_000,
    ],
    ['from end to end', [], 1_000_000],
    ['nowhere', [[0, 200_000]], 200_000],
  ];
  it.each(sparseCases)('with holes %s is read as its bytes are', async (_where, parts, sizeBytes) => {
    const expected = Buffer.alloc(sizeBytes);
    const descriptor = openSync(path, 'w');
    for (const [start, end] of parts) {
      expected.set(patterned(end - start), start);
      writeSync(descriptor, expected, start, end - start, start);
    }
    ftruncateSync(descriptor, sizeBytes);
    closeSync(descriptor);
    for (const pieceBytes of [70_000, sizeBytes]) {
      const file = open();
      expect((await readAll(file, pieceBytes)).equals(expected)).toBe(true);
      file.close();
    }
  });

  it('gives the zeros of a hole without reading the disk', async () => {
    writeFileSync(path, '');
    truncateSync(path, 1_000_000);
    // Calls that find data nowhere: a read would be of bytes that the real disk has.
    writeFileSync(join(folder.path, 'full'), patterned(1_000_000));
    const descriptor = openSync(join(folder.path, 'full'), 'r');
    const holes = { seekData: () => null, seekHole: () => null };
    const file = new SourceFile(descriptor, statOf(path), holes);
    expect((await readAll(file, 300_000)).equals(Buffer.alloc(1_000_000))).toBe(true);
    file.close();
  });

  it('with holes that is cut meanwhile ends, and is reported', async () => {
    const descriptor = openSync(path, 'w');
    writeSync(descriptor, patterned(1_000), 0, 1_000, 900_000);
    closeSync(descriptor);
    const file = open();
    const back = Buffer.alloc(1_000_000);
    expect(await file.read(back, 0, 500_000)).toBe(500_000);
    truncateSync(path, 10);
    for (let n = -1; n !== 0; ) n = await file.read(back, 0, 500_000);
    expect(file.changed()).toBe(true);
    file.close();
  });

  it('is read in pieces to its end', async () => {
    const content = patterned(300_001);
    writeFileSync(path, content);
    const file = open();
    const back = Buffer.alloc(content.length + 10);
    let done = 0;
    for (let n = -1; n !== 0; done += n) n = await file.read(back, done, 70_000);
    expect(done).toBe(content.length);
    expect(back.subarray(0, done).equals(content)).toBe(true);
    expect(file.changed()).toBe(false);
    file.close();
  });

  it('ends where it ended at the open, though it grows, and is reported', async () => {
    writeFileSync(path, 'hello');
    const file = open();
    appendFileSync(path, ' world');
    const back = Buffer.alloc(100);
    expect(await file.read(back, 0, 100)).toBe(5);
    expect(await file.read(back, 0, 100)).toBe(0);
    expect(file.changed()).toBe(true);
    file.close();
  });

  it('that shrinks gives what is left, and is reported', async () => {
    writeFileSync(path, 'hello');
    const file = open();
    truncateSync(path, 2);
    const back = Buffer.alloc(100);
    expect(await file.read(back, 0, 100)).toBe(2);
    expect(file.changed()).toBe(true);
    file.close();
  });

  it('that was rewritten with the same size is reported', () => {
    writeFileSync(path, 'hello');
    utimesSync(path, 1, 1);
    const file = open();
    writeFileSync(path, 'HELLO');
    expect(file.changed()).toBe(true);
    file.close();
  });
});

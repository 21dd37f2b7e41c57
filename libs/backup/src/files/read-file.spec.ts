// Reading files for a backup: whole, in pieces, changing, replaced by other things.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EntryStat, entryStatOf } from './entry-stat.js';
import { SMALL_FILE_BYTES_MAX } from './file-limits.js';
import { openSource, readSmallFile, type SourceFile } from './read-file.js';
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
const readNow = () => readSmallFile(path, statOf(path), buffer);
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
    expect(readSmallFile(path, before, buffer)).toMatchObject({ ok: false, reason: 'grown' });
  });

  it('that changed after the walk and is quiet since is whole, with its new stat', () => {
    writeFileSync(path, 'old');
    const before = statOf(path);
    writeFileSync(path, 'newer');
    const file = readSmallFile(path, before, buffer);
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
    expect(readSmallFile(path, restless, buffer)).toMatchObject({ ok: true, changed: true });
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
    expect(readSmallFile(Buffer.from(`${path}-gone`), before, buffer)).toMatchObject({ ok: false, reason: 'vanished' });
  });

  it('of another user is read, though its access time cannot be left alone', async () => {
    writeFileSync(path, 'x');
    chmodSync(path, 0o644);
    expect(await withoutRoot(readNow)).toMatchObject({ ok: true });
  });
});

describe('a file of any size', () => {
  function open(): SourceFile {
    const opened = openSource(path);
    if (!opened.ok) throw new Error(opened.errno);
    return opened.file;
  }

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

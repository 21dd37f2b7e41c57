// When a restored file ends: after its last chunk, whatever the order; and what becomes of one that lacks some.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProtocolError } from '#protocol';
import { RestoreWriter } from '../files/restore-writer.js';
import { freshFolder } from '../files/testing-folders.js';
import { RestoringFile } from './restoring-file.js';

const METADATA = { mode: 0o644, mtimeNs: 1_700_000_000_000_000_000n, uid: 0, gid: 0 };
const LOST = new ProtocolError('object_unavailable');

let folder: ReturnType<typeof freshFolder>;
let writer: RestoreWriter;
let ends: (Error | null)[];
beforeEach(() => {
  folder = freshFolder();
  writer = new RestoreWriter({ targetPath: join(folder.path, 'target'), onProblem: () => undefined });
  ends = [];
});
afterEach(() => {
  writer.close();
  folder.remove();
});

function begin(sizeBytes: number): RestoringFile {
  const open = () => writer.openFile(writer.root, Buffer.from('file'), sizeBytes);
  return new RestoringFile(writer, open, METADATA, (failure) => ends.push(failure));
}

const path = (): string => join(folder.path, 'target', 'file');
const text = (content: string): Buffer => Buffer.from(content);

describe('RestoringFile', () => {
  it('ends with its last chunk, in whatever order they come', async () => {
    const file = begin(6);
    file.expectChunk();
    file.expectChunk();
    file.expectNoMore(null);
    await file.write(text('def'), 3);
    expect(ends).toEqual([]);
    await file.write(text('abc'), 0);
    expect(ends).toEqual([null]);
    expect(readFileSync(path(), 'latin1')).toBe('abcdef');
  });

  it('does not end before all its chunks are known, though those that are known are written', async () => {
    const file = begin(6);
    file.expectChunk();
    await file.write(text('abc'), 0);
    expect(ends).toEqual([]);
    file.expectChunk();
    file.expectNoMore(null);
    await file.write(text('def'), 3);
    expect(ends).toEqual([null]);
  });

  it('ends at once when it has no chunk', () => {
    begin(0).expectNoMore(null);
    expect(ends).toEqual([null]);
    expect(readFileSync(path())).toHaveLength(0);
  });

  it('is removed when a chunk is lost, but not while others are on their way', async () => {
    const file = begin(6);
    file.expectChunk();
    file.expectChunk();
    file.expectNoMore(null);
    file.loseChunk(LOST);
    expect(ends).toEqual([]);
    await file.write(text('def'), 3);
    expect(ends).toEqual([LOST]);
    expect(existsSync(path())).toBe(false);
  });

  it('tells the first of several failures, once', () => {
    const file = begin(6);
    file.expectChunk();
    file.expectChunk();
    file.loseChunk(LOST);
    file.expectNoMore(new ProtocolError('chunk_missing'));
    file.loseChunk(new ProtocolError('object_damaged'));
    expect(ends).toEqual([LOST]);
  });

  it('is not made before there is something to write, and is lost alone when its name is taken', async () => {
    const first = begin(3);
    const second = begin(3);
    expect(existsSync(path())).toBe(false);
    for (const file of [first, second]) {
      file.expectChunk();
      file.expectNoMore(null);
      await file.write(text('abc'), 0);
    }
    expect(ends).toMatchObject([null, { code: 'name_taken' }]);
    expect(readFileSync(path(), 'latin1')).toBe('abc');
  });

  it('is lost alone when its chunks are longer than its entry says', async () => {
    const file = begin(4);
    file.expectChunk();
    file.expectChunk();
    await file.write(text('abc'), 0);
    await file.write(text('def'), 3);
    file.expectNoMore(null);
    expect(ends).toMatchObject([{ code: 'snapshot_damaged' }]);
    expect(existsSync(path())).toBe(false);
  });
});

// What `dump` writes, read by GNU tar. Zip is read by Python in test/restore.e2e-spec.ts.
import { execFileSync } from 'node:child_process';
import { createWriteStream, lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { libc } from '../files/libc.js';
import { freshFolder } from '../files/testing-folders.js';
import type { EngineEvent } from '../ports.js';
import { type PlainFolder, StoredSnapshot } from '../restore/testing/stored-snapshot.js';
import { type DumpOrder, runDump } from './run-dump.js';

const TIME_NS = 1_700_000_000_123_456_789n;
const OLD_NS = -1_500_000_001n;
const signal = new AbortController().signal;
const isRoot = process.geteuid?.() === 0;

let folder: ReturnType<typeof freshFolder>;
let events: EngineEvent[];
const at = (...names: string[]) => join(folder.path, ...names);
beforeEach(() => {
  folder = freshFolder();
  events = [];
});
afterEach(() => folder.remove());

async function dump(root: PlainFolder, order: Partial<DumpOrder> = {}): Promise<{ file: string; entries: number }> {
  const { trees, objects, snapshot } = new StoredSnapshot(root);
  const file = at('dumped');
  const output = createWriteStream(file);
  const onEvent = (event: EngineEvent): void => void events.push(event);
  const request = { path: '/', archive: 'tar' as const, ...order, output, snapshot, signal, onEvent };
  const { entries } = await runDump({ trees, objects }, request);
  output.end();
  await finished(output);
  return { file, entries };
}

function untar(file: string): void {
  mkdirSync(at('out'));
  const rights = isRoot ? ['--same-owner', '-p'] : ['-p'];
  execFileSync('tar', ['-x', '--xattrs', '--xattrs-include=*', ...rights, '-f', file, '-C', at('out')]);
}

const LONG = 'l'.repeat(200);
const TREE: PlainFolder = {
  d: {
    entries: {
      [LONG]: { entries: { [LONG]: { chunks: ['long'] } } },
      'ünïcode 🎈': { chunks: ['u'] },
      'raw\xff': { chunks: ['raw'] },
      empty: { chunks: [] },
      f: {
        chunks: ['hello ', 'world'],
        mode: 0o4750,
        xattrs: [{ name: Buffer.from('user.n'), value: Buffer.from([0, 10, 255]) }],
      },
      old: { chunks: ['old'], mtimeNs: OLD_NS },
    },
    mode: 0o710,
  },
  fifo: { special: 'fifo' },
  link: { linkTarget: `d/${LONG}` },
  one: { chunks: ['same'], hardLink: '1:2' },
  socket: { special: 'socket' },
  two: { chunks: ['same'], hardLink: '1:2' },
};

describe('a folder as tar', () => {
  it('links names of one file only where all of their bytes are the same', async () => {
    const { file } = await dump({
      a: { chunks: ['head', 'old!'], hardLink: '1:2' },
      b: { chunks: ['head', 'new!'], hardLink: '1:2' },
      c: { chunks: ['head', 'new!'], hardLink: '1:2' },
    });
    untar(file);
    const contents = ['a', 'b', 'c'].map((name) => readFileSync(at('out', name), 'latin1'));
    expect(contents).toEqual(['headold!', 'headnew!', 'headnew!']);
    expect(lstatSync(at('out/b')).ino).toBe(lstatSync(at('out/c')).ino);
  });

  it('is unpacked by GNU tar with names, bytes, modes, times, attributes, links and FIFOs', async () => {
    const { file, entries } = await dump(TREE);
    expect(entries).toBe(12);
    untar(file);
    const out = (...names: string[]) => at('out', ...names);
    expect(readFileSync(out('d/f'), 'latin1')).toBe('hello world');
    expect(readFileSync(out('d', LONG, LONG), 'latin1')).toBe('long');
    const raw = Buffer.concat([Buffer.from(out('d/raw')), Buffer.from([0xff])]);
    expect(readFileSync(raw, 'latin1')).toBe('raw');
    expect(lstatSync(out('d/empty')).size).toBe(0);
    expect(lstatSync(out('d/f'), { bigint: true }).mtimeNs).toBe(TIME_NS);
    expect(lstatSync(out('d'), { bigint: true }).mtimeNs).toBe(TIME_NS);
    expect(lstatSync(out('d/old'), { bigint: true }).mtimeNs).toBe(OLD_NS);
    expect(lstatSync(out('d')).mode & 0o7777).toBe(0o710);
    if (isRoot) expect(lstatSync(out('d/f')).mode & 0o7777).toBe(0o4750);
    expect(libc().getXattr(Buffer.from(out('d/f')), Buffer.from('user.n'))).toEqual(Buffer.from([0, 10, 255]));
    expect(lstatSync(out('one')).ino).toBe(lstatSync(out('two')).ino);
    expect(lstatSync(out('fifo')).isFIFO()).toBe(true);
    expect(readlinkSync(out('link'))).toBe(`d/${LONG}`);
    expect(events).toMatchObject([{ kind: 'warning', code: 'entry_unfit', detail: expect.stringMatching(/^socket:/) }]);
  });

  it('has names from the root of the snapshot, or from the folder that was named with it', async () => {
    const root = { a: { entries: { b: { entries: { f: { chunks: ['f'] } } } } } };
    const namesIn = (file: string) => execFileSync('tar', ['-tf', file]).toString().trim().split('\n');
    expect(namesIn((await dump(root, { path: 'a/b' })).file)).toEqual(['a/b/', 'a/b/f']);
    expect(namesIn((await dump(root, { folder: '/a', path: 'b' })).file)).toEqual(['b/', 'b/f']);
  });

  it('leaves out names that would lead whoever unpacks it out of a folder', async () => {
    const { file, entries } = await dump({
      '..': { chunks: ['x'] },
      'a/b': { chunks: ['x'] },
      good: { chunks: ['x'] },
    });
    expect(entries).toBe(1);
    expect(execFileSync('tar', ['-tf', file]).toString()).toBe('good\n');
  });
});

describe('one file', () => {
  it('comes as it is, no faster than it is taken', async () => {
    const { trees, objects, snapshot } = new StoredSnapshot({
      f: { chunks: Array.from({ length: 50 }, (_, i) => `${i} `) },
    });
    let waiting = 0;
    let most = 0;
    let text = '';
    const output = new Writable({
      highWaterMark: 4,
      write(piece: Buffer, _encoding, done) {
        waiting = output.writableLength;
        most = Math.max(most, waiting);
        text += piece.toString();
        setImmediate(done);
      },
    });
    const order = { path: 'f', archive: 'tar' as const, output, snapshot, signal, onEvent: () => undefined };
    expect(await runDump({ trees, objects }, order)).toMatchObject({ kind: 'file', entries: 1 });
    output.end();
    await finished(output);
    expect(text).toBe(Array.from({ length: 50 }, (_, i) => `${i} `).join(''));
    expect(most).toBeLessThanOrEqual(8);
  });

  it('is refused when it is not there', async () => {
    const { trees, objects, snapshot } = new StoredSnapshot({ f: { chunks: ['x'] } });
    const order = {
      path: 'g',
      archive: 'tar' as const,
      output: new Writable(),
      snapshot,
      signal,
      onEvent: () => undefined,
    };
    await expect(runDump({ trees, objects }, order)).rejects.toMatchObject({ code: 'path_missing' });
  });
});

it('a zip leaves out what it cannot hold, with the reason', async () => {
  const root: PlainFolder = { fifo: { special: 'fifo' }, 'a\\b': { chunks: ['x'] }, d: { entries: {} } };
  expect(await dump(root, { archive: 'zip' })).toMatchObject({ entries: 1 });
  expect(events).toMatchObject([
    { kind: 'warning', code: 'name_hostile', detail: expect.stringContaining('a\\b') },
    { kind: 'warning', code: 'entry_unfit', detail: expect.stringMatching(/^fifo:/) },
  ]);
});

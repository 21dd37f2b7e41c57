// Restores into folders that hold something: what is kept, compared, replaced and removed; links, nodes and attributes.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { libc } from '../files/libc.js';
import { describeFolder, withoutRoot } from '../files/testing-folders.js';
import type { RestoreOrder } from './restore-parts.js';
import { RestoreBench } from './testing/restored.js';
import { StoredSnapshot } from './testing/stored-snapshot.js';

const isRoot = process.geteuid?.() === 0;
const TIME_NS = 1_700_000_000_123_456_789n;
const text = (...chunks: string[]) => ({ chunks });
const dir = (entries: ConstructorParameters<typeof StoredSnapshot>[0], more = {}) => ({ entries, ...more });

const CHUNKS = ['AAAAAA', 'BBBBBB', 'CCCCCC', 'DDDDDD', 'EEEEEE', 'FFFFFF'];

let bench: RestoreBench;
const at = (...names: string[]) => bench.at('target', ...names);
const read = (...names: string[]) => readFileSync(at(...names), 'latin1');
/** What is there before the restore. */
function given(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    execFileSync('mkdir', ['-p', at(name, '..')]);
    writeFileSync(at(name), content);
  }
}
beforeEach(() => {
  bench = new RestoreBench();
});
afterEach(() => bench.remove());

describe('a restore', () => {
  it('brings back times to the nanosecond, attributes, links of one file, FIFOs and devices; sockets are passed over', async () => {
    const note = [{ name: Buffer.from('user.note'), value: Buffer.from([0, 255, 10]) }];
    const stored = new StoredSnapshot({
      d: dir({ f: { ...text('abc'), xattrs: note } }, { mtimeNs: TIME_NS, xattrs: note, mode: 0o750 }),
      fifo: { special: 'fifo', mode: 0o620 },
      link: { linkTarget: 'd/f' },
      one: { ...text('same', 'bytes'), hardLink: '1:2', mode: 0o640 },
      socket: { special: 'socket' },
      two: { ...text('same', 'bytes'), hardLink: '1:2', mode: 0o640 },
      zero: { special: 'chardev', device: { major: 1, minor: 5 } },
    });
    const summary = await bench.restore(stored, { verify: true });
    expect(summary).toMatchObject({ files: 3, hardLinks: 1, symlinks: 1, verified: 2, failed: isRoot ? 0 : 1 });
    for (const name of ['d', 'd/f', 'fifo', 'link', 'one']) {
      expect([name, lstatSync(at(name), { bigint: true }).mtimeNs]).toEqual([name, TIME_NS]);
    }
    for (const name of ['d', 'd/f'])
      expect(libc().getXattr(Buffer.from(at(name)), note[0]!.name)).toEqual(note[0]!.value);
    expect([lstatSync(at('fifo')).isFIFO(), lstatSync(at('fifo')).mode & 0o777]).toEqual([true, 0o620]);
    expect(lstatSync(at('one')).ino).toBe(lstatSync(at('two')).ino);
    expect(existsSync(at('socket'))).toBe(false);
    if (isRoot) expect(lstatSync(at('zero')).rdev).toBe(0x105);
    else expect(bench.failures).toEqual(['zero local_disk']);
  });

  it('tells an attribute that cannot be set once, and the files are there', async () => {
    const xattrs = [{ name: Buffer.from('nonsense.label'), value: Buffer.from('x') }];
    const stored = new StoredSnapshot({ a: { ...text('a'), xattrs }, b: { ...text('b'), xattrs } });
    expect(await bench.restore(stored)).toMatchObject({ files: 2, failed: 0 });
    expect(bench.events.filter(({ kind }) => kind === 'warning')).toHaveLength(1);
  });

  it('makes copies of a linked file whose first name cannot be there', async () => {
    const name = 'a/b';
    const stored = new StoredSnapshot({
      [name]: { ...text('x'), hardLink: '1:1' },
      c: { ...text('x'), hardLink: '1:1' },
    });
    await bench.restore(stored);
    expect(bench.failures).toEqual(['a/b name_hostile']);
    expect(read('c')).toBe('x');
  });

  it('refuses a target that is not empty, and goes on in one that an earlier run of it left', async () => {
    given({ mine: 'mine' });
    const stored = new StoredSnapshot({ f: text('f') });
    await expect(bench.restore(stored)).rejects.toMatchObject({ code: 'target_not_empty' });
    expect(readdirSync(at())).toEqual(['mine']);
  });

  it('leaves holes for blocks of zeros with --sparse, and the bytes are the same', async () => {
    const zeros = Buffer.alloc(1_000_000);
    const stored = new StoredSnapshot({ f: { chunks: [Buffer.from('head'), zeros, Buffer.from('tail'), zeros] } });
    await bench.restore(stored, { sparse: true, verify: true });
    const { size, blocks } = statSync(at('f'));
    expect(size).toBe(2_000_008);
    expect(blocks * 512).toBeLessThan(100_000);
    expect(readFileSync(at('f')).equals(Buffer.concat([Buffer.from('head'), zeros, Buffer.from('tail'), zeros]))).toBe(
      true,
    );
  });

  it('restores a folder of the snapshot, and patterns count from there', async () => {
    const stored = new StoredSnapshot({ a: dir({ b: dir({ 'x.TXT': text('x'), 'y.txt': text('y') }), z: text('z') }) });
    await bench.restore(stored, { folder: 'a', iincludes: ['/b/*.txt'], excludes: ['y*'] });
    expect(readdirSync(at(), { recursive: true }).sort()).toEqual(['b', 'b/x.TXT']);
    const wrong = bench.restore(stored, { folder: 'a/z', target: bench.at('other') });
    await expect(wrong).rejects.toMatchObject({ code: 'path_missing' });
  });
});

describe('--overwrite', () => {
  const stored = () =>
    new StoredSnapshot({ same: text('one', 'two'), newer: text('snapshot'), part: text('AAAA', 'BBBB') });
  const fill = () => {
    given({ same: 'onetwo', newer: 'target!!', part: 'AAAAxxxxyyyy' });
    utimesSync(at('newer'), 1_800_000_000, 1_800_000_000);
    utimesSync(at('part'), 1_600_000_000, 1_600_000_000);
    libc().utimensNs(Buffer.from(at('same')), TIME_NS);
  };

  it.each([
    ['always', { newer: 'snapshot', part: 'AAAABBBB' }, { filesUnchanged: 1, kept: 0 }],
    ['if-changed', { newer: 'snapshot', part: 'AAAABBBB' }, { filesUnchanged: 1, kept: 0 }],
    ['if-newer', { newer: 'target!!', part: 'AAAABBBB' }, { filesUnchanged: 0, kept: 2 }],
    ['never', { newer: 'target!!', part: 'AAAAxxxxyyyy' }, { filesUnchanged: 0, kept: 3 }],
  ] as const)('%s', async (overwrite, contents, summary) => {
    fill();
    expect(await bench.restore(stored(), { overwrite })).toMatchObject({ failed: 0, ...summary });
    expect({ newer: read('newer'), part: read('part') }).toEqual(contents);
    expect(read('same')).toBe('onetwo');
  });

  it('always reads what is there and fetches only chunks that differ', async () => {
    fill();
    const snapshot = stored();
    const summary = await bench.restore(snapshot, { overwrite: 'always', includes: ['part'], verify: true });
    expect(summary).toMatchObject({ bytes: 4, bytesUnchanged: 4, verified: 1 });
    expect(lstatSync(at('part'), { bigint: true }).mtimeNs).toBe(TIME_NS);
    expect(snapshot.fetched).toEqual([snapshot.objectOf('BBBB')]);
  });

  it('if-changed trusts size and time without reading; always does not', async () => {
    given({ f: 'WRONG' });
    libc().utimensNs(Buffer.from(at('f')), TIME_NS);
    const snapshot = new StoredSnapshot({ f: text('right') });
    await bench.restore(snapshot, { overwrite: 'if-changed' });
    expect(read('f')).toBe('WRONG');
    await bench.restore(snapshot, { overwrite: 'always' });
    expect(read('f')).toBe('right');
  });

  it('changes neither bytes nor mode of a file that has another name, which may lie outside', async () => {
    writeFileSync(bench.at('outside'), 'outside', { mode: 0o600 });
    mkdirSync(at());
    linkSync(bench.at('outside'), at('f'));
    linkSync(bench.at('outside'), at('same'));
    const canary = describeFolder(bench.at('outside'));
    const snapshot = new StoredSnapshot({
      f: { ...text('inside'), mode: 0o666 },
      same: { ...text('outside'), mode: 0o666 },
    });
    expect(await bench.restore(snapshot, { overwrite: 'always' })).toMatchObject({ files: 2, failed: 0 });
    expect([read('f'), read('same')]).toEqual(['inside', 'outside']);
    expect(lstatSync(at('same')).mode & 0o777).toBe(0o666);
    // Its names inside are gone: that is all that changed.
    const stats = lstatSync(bench.at('outside'));
    expect([stats.nlink, stats.mode & 0o777, readFileSync(bench.at('outside'), 'latin1')]).toEqual([
      1,
      0o600,
      'outside',
    ]);
    expect(canary).toHaveLength(1);
  });

  it('replaces what is of another kind: links and files, empty folders, and full ones only with --delete', async () => {
    mkdirSync(bench.at('elsewhere'));
    given({ 'full/mine': 'mine', 'to-dir': 'a file' });
    mkdirSync(at('empty'));
    symlinkSync(bench.at('elsewhere'), at('to-dir-by-link'));
    symlinkSync(bench.at('elsewhere/f'), at('to-file'));
    const snapshot = new StoredSnapshot({
      empty: text('e'),
      full: text('f'),
      'to-dir': dir({ x: text('x') }),
      'to-dir-by-link': dir({ x: text('x') }),
      'to-file': text('t'),
    });
    expect(await bench.restore(snapshot, { overwrite: 'always' })).toMatchObject({ files: 4, failed: 1 });
    expect(bench.failures).toEqual(['full local_disk']);
    expect(read('full/mine')).toBe('mine');
    expect([read('empty'), read('to-dir/x'), read('to-dir-by-link/x'), read('to-file')]).toEqual(['e', 'x', 'x', 't']);
    expect(readdirSync(bench.at('elsewhere'))).toEqual([]);
    expect(await bench.restore(snapshot, { overwrite: 'always', deletes: true })).toMatchObject({ failed: 0 });
    expect(read('full')).toBe('f');
    expect(readdirSync(at()).filter((name) => name.startsWith('.peerkeep'))).toEqual([]);
  });

  it('never leaves links of other kinds and what is below them alone', async () => {
    mkdirSync(bench.at('elsewhere'));
    mkdirSync(at());
    symlinkSync(bench.at('elsewhere'), at('d'));
    await bench.restore(new StoredSnapshot({ d: dir({ x: text('x') }) }), { overwrite: 'never' });
    expect(readlinkSync(at('d'))).toBe(bench.at('elsewhere'));
    expect(readdirSync(bench.at('elsewhere'))).toEqual([]);
  });

  it('links the names of one file again, and finds them right the next time', async () => {
    const linked = { ...text('l', 'inked'), hardLink: '3:4' };
    const snapshot = new StoredSnapshot({ a: linked, b: linked, c: linked });
    given({ a: 'linked', b: 'linked' });
    await bench.restore(snapshot, { overwrite: 'always' });
    expect(new Set(['a', 'b', 'c'].map((name) => lstatSync(at(name)).ino)).size).toBe(1);
    snapshot.fetched.length = 0;
    const again = await bench.restore(snapshot, { overwrite: 'always' });
    expect(again).toMatchObject({ files: 3, filesUnchanged: 3, bytes: 0 });
    expect(snapshot.fetched).toEqual([]);
  });

  it('opens folders of this user for itself, and closes them again', async () => {
    mkdirSync(at('d'), { recursive: true });
    chmodSync(bench.folder.path, 0o777);
    chmodSync(bench.home, 0o777);
    if (isRoot) execFileSync('chown', ['-R', '65534', at()]);
    chmodSync(at('d'), 0o500);
    const snapshot = new StoredSnapshot({ d: dir({ f: text('f') }, { mode: 0o555 }) });
    await withoutRoot(async () => {
      expect(await bench.restore(snapshot, { overwrite: 'always' })).toMatchObject({ files: 1, failed: 0 });
    });
    expect([read('d/f'), lstatSync(at('d')).mode & 0o777]).toEqual(['f', 0o555]);
  });

  it.each(CHUNKS)('leaves what was there of a file as it was when %s of it cannot be had', async (chunk) => {
    given({ f: 'x'.repeat(36) });
    chmodSync(at('f'), 0o640);
    const before = describeFolder(at('f'));
    const snapshot = new StoredSnapshot({ f: text(...CHUNKS) });
    snapshot.lost.add(snapshot.objectOf(chunk));
    const get = snapshot.objects.get;
    snapshot.objects.get = async (id, signal) => {
      // The loss is known when everything else of the file is written.
      if (snapshot.lost.has(id)) await new Promise((resolve) => setImmediate(resolve));
      return get(id, signal);
    };
    expect(await bench.restore(snapshot, { overwrite: 'always' })).toMatchObject({ failed: 1 });
    expect([describeFolder(at('f')), readdirSync(at())]).toEqual([before, ['f']]);
  });

  it.each([
    ['AAAAAAxxxxxxCCCCCCDDDDDDEEEEEEFFFFFF', 6],
    ['AAAAAABBBBBBCCCCCCDDDDDDEEEEEExxxxxx', 6],
    ['AAAAAABBBBBBCCCCCC', 18],
    ['AAAAAABBBBBBCCCCCCDDDDDDEEEEEEFFFFFF and more', 0],
  ])('takes what is right of %s over into the new file, and fetches %d bytes', async (there, bytes) => {
    given({ f: there });
    const snapshot = new StoredSnapshot({ f: text(...CHUNKS) });
    const summary = await bench.restore(snapshot, { overwrite: 'always', verify: true });
    expect(summary).toMatchObject({ bytes, bytesUnchanged: 36 - bytes, verified: 1, failed: 0 });
    expect([read('f'), readdirSync(at())]).toEqual([CHUNKS.join(''), ['f']]);
  });

  it('does not replace what somebody made meanwhile under the name of a new file', async () => {
    const snapshot = new StoredSnapshot({ f: text(...CHUNKS) });
    mkdirSync(at());
    const get = snapshot.objects.get;
    snapshot.objects.get = async (id, signal) => {
      if (snapshot.fetched.length === 1) writeFileSync(at('f'), 'mine');
      return get(id, signal);
    };
    expect(await bench.restore(snapshot, { overwrite: 'never' })).toMatchObject({ failed: 1 });
    expect([bench.failures, read('f'), readdirSync(at())]).toEqual([['f name_taken'], 'mine', ['f']]);
  });

  it('leaves what was there of a file whose bytes cannot all be had, where it is made anew', async () => {
    given({ f: 'old' });
    linkSync(at('f'), bench.at('second-name'));
    const snapshot = new StoredSnapshot({ f: text('new') });
    snapshot.lost.add(snapshot.objectOf('new'));
    expect(await bench.restore(snapshot, { overwrite: 'always' })).toMatchObject({ failed: 1 });
    expect(read('f')).toBe('old');
    expect(readdirSync(at())).toEqual(['f']);
  });
});

describe('--delete', () => {
  it('removes what the snapshot does not have, follows no link, and touches nothing that was not restored', async () => {
    mkdirSync(bench.at('outside'));
    writeFileSync(bench.at('outside/f'), 'outside');
    given({ 'd/extra/deep/f': '1', 'd/keep': 'old', 'other/mine': 'm' });
    symlinkSync(bench.at('outside'), at('d/link'));
    mkdirSync(at('excluded'));
    const canary = describeFolder(bench.at('outside'));
    const snapshot = new StoredSnapshot({ d: dir({ keep: text('kept') }), excluded: dir({}) });
    const summary = await bench.restore(snapshot, { deletes: true, excludes: ['/other'] });
    expect(summary).toMatchObject({ deleted: 4, failed: 0 });
    expect(readdirSync(at(), { recursive: true }).sort()).toEqual(['d', 'd/keep', 'excluded', 'other', 'other/mine']);
    expect(describeFolder(bench.at('outside'))).toEqual(canary);
  });

  it('keeps to what --include chooses, also below folders that were only on the way', async () => {
    given({ 'a/x.txt': 'x', 'a/y.bin': 'y', 'b/z.txt': 'z', 'c/d/e.txt': 'e' });
    const time = 1_600_000_000;
    utimesSync(at('a'), time, time);
    const snapshot = new StoredSnapshot({ a: dir({ 'k.txt': text('k') }), b: dir({}) });
    await bench.restore(snapshot, { deletes: true, includes: ['*.txt'] });
    expect(readdirSync(at(), { recursive: true }).sort()).toEqual(['a', 'a/k.txt', 'a/y.bin', 'b', 'c', 'c/d']);
  });

  it('removes nothing from a folder whose list cannot be read to its end', async () => {
    given({ 'd/mine': 'm' });
    const snapshot = new StoredSnapshot({ d: dir({ f: text('f') }) });
    const root = await snapshot.trees.walk(snapshot.snapshot.root, () => false, new AbortController().signal).next();
    const listing = root.value?.step === 'entry' && root.value.entry.type === 'dir' ? root.value.entry.subtree[0] : '';
    const locate = snapshot.trees.locate.bind(snapshot.trees);
    snapshot.trees.locate = (id) => locate(id === listing ? 'A'.repeat(43) : id);
    expect(await bench.restore(snapshot, { deletes: true })).toMatchObject({ failed: 1, deleted: 0 });
    expect(read('d/mine')).toBe('m');
  });
});

describe('--delete, where a folder stands in the way of a file', () => {
  it('keeps it until the file is whole', async () => {
    given({ 'f/mine': 'mine' });
    const snapshot = new StoredSnapshot({ f: text('lost') });
    snapshot.lost.add(snapshot.objectOf('lost'));
    expect(await bench.restore(snapshot, { deletes: true })).toMatchObject({ failed: 1 });
    expect(bench.failures).toEqual(['f object_unavailable']);
    expect(read('f/mine')).toBe('mine');
    snapshot.lost.clear();
    expect(await bench.restore(snapshot, { deletes: true })).toMatchObject({ failed: 0 });
    expect([read('f'), readdirSync(at())]).toEqual(['lost', ['f']]);
  });

  it('removes nothing of it while anything in it is excluded, whatever comes in its place', async () => {
    const folder = { x: 'x', 'deep/precious.keep': 'p' };
    for (const name of ['file', 'link', 'one', 'two']) {
      given(Object.fromEntries(Object.entries(folder).map(([below, content]) => [`${name}/${below}`, content])));
    }
    const linked = { ...text('l'), hardLink: '1:1' };
    const snapshot = new StoredSnapshot({ file: text('f'), link: { linkTarget: 'x' }, one: linked, two: linked });
    const before = describeFolder(at());
    expect(await bench.restore(snapshot, { deletes: true, excludes: ['*.keep'] })).toMatchObject({ failed: 4 });
    expect(new Set(bench.failures)).toEqual(
      new Set(['file', 'link', 'one', 'two'].map((name) => `${name} local_disk`)),
    );
    expect(describeFolder(at())).toEqual(before);
    expect(snapshot.fetched).toEqual([]);
  });
});

describe('--dry-run', () => {
  it('changes nothing and tells what would become of each entry', async () => {
    given({ 'd/extra': 'e', 'd/same': 'same', 'd/other': 'xxxxx' });
    const canary = describeFolder(at());
    const linked = { ...text('l'), hardLink: '5:6' };
    const snapshot = new StoredSnapshot({
      d: dir({ same: text('same'), other: text('other'), fresh: dir({ f: text('f') }) }),
      l1: linked,
      l2: linked,
    });
    const summary = await bench.restore(snapshot, { overwrite: 'always', deletes: true, dryRun: true });
    expect(summary).toMatchObject({ files: 5, filesUnchanged: 1, bytes: 7, deleted: 1, directories: 2, hardLinks: 1 });
    expect(bench.actions.sort()).toEqual([
      'deleted d/extra',
      'restored d/fresh',
      'restored d/fresh/f',
      'restored l1',
      'restored l2',
      'unchanged d/same',
      'updated d',
      'updated d/other',
    ]);
    expect(describeFolder(at())).toEqual(canary);
    expect(snapshot.fetched).toEqual([]);
    await bench.restore(snapshot, { dryRun: true, target: bench.at('nowhere') });
    expect(existsSync(bench.at('nowhere'))).toBe(false);
  });
});

describe('an interrupted restore', () => {
  const whole = CHUNKS.join('');
  const snapshotOf = () => new StoredSnapshot({ f: text(...CHUNKS) });
  /** Stops when the first of the file's two objects is written, as far as it ever will be. */
  async function cutOff(snapshot: StoredSnapshot, order: Partial<RestoreOrder> = {}): Promise<void> {
    const stop = new AbortController();
    const get = snapshot.objects.get;
    snapshot.objects.get = async (id, signal) => {
      const object = await get(id, signal);
      if (id === snapshot.objectOf('FFFFFF')) {
        await new Promise((resolve) => setImmediate(resolve));
        stop.abort();
      }
      return object;
    };
    await expect(bench.restore(snapshot, order, stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
    snapshot.objects.get = get;
  }

  it.each(['always', 'if-changed', 'if-newer', 'never'] as const)(
    'leaves no part of a file under its name with --overwrite %s, so that the next one brings it',
    async (overwrite) => {
      const snapshot = snapshotOf();
      await cutOff(snapshot, { overwrite });
      expect(readdirSync(at())).toEqual([]);
      expect(await bench.restore(snapshot, { overwrite })).toMatchObject({ files: 1, kept: 0, failed: 0 });
      expect(read('f')).toBe(whole);
    },
  );

  it.each(['always', 'if-changed', 'if-newer'] as const)(
    'leaves a file that was there as it was with --overwrite %s, so that the next one replaces it',
    async (overwrite) => {
      given({ f: 'x'.repeat(36) });
      utimesSync(at('f'), 1000, 1000);
      const before = describeFolder(at('f'));
      const snapshot = snapshotOf();
      await cutOff(snapshot, { overwrite });
      expect([describeFolder(at('f')), readdirSync(at())]).toEqual([before, ['f']]);
      expect(await bench.restore(snapshot, { overwrite })).toMatchObject({ files: 1, kept: 0, failed: 0 });
      expect(read('f')).toBe(whole);
    },
  );

  it('is not followed by one that would keep the parts of files that it left', async () => {
    const snapshot = snapshotOf();
    await cutOff(snapshot);
    expect(read('f')).toHaveLength(24);
    for (const overwrite of ['if-changed', 'if-newer', 'never'] as const) {
      await expect(bench.restore(snapshot, { overwrite })).rejects.toMatchObject({ code: 'usage' });
    }
    // Other patterns make another restore of it.
    await expect(bench.restore(snapshot, { excludes: ['x'] })).rejects.toMatchObject({ code: 'target_not_empty' });
    expect(await bench.restore(snapshot)).toMatchObject({ files: 1, bytes: 12, bytesUnchanged: 24, failed: 0 });
    expect(await bench.restore(snapshot, { overwrite: 'never' })).toMatchObject({ kept: 1 });
    expect(read('f')).toBe(whole);
  });

  it('is noted until everything is on the disk', async () => {
    const calls = libc();
    const sync = calls.syncFileSystem;
    const note = bench.at('home', 'unfinished-restores.json');
    const seen: unknown[] = [];
    calls.syncFileSystem = (descriptor) => {
      seen.push([read('d/f'), lstatSync(at('d')).mode & 0o777, JSON.parse(readFileSync(note, 'utf8')).length]);
      return sync(descriptor);
    };
    try {
      await bench.restore(new StoredSnapshot({ d: dir({ f: text('f') }, { mode: 0o711 }) }));
    } finally {
      calls.syncFileSystem = sync;
    }
    expect(seen).toEqual([['f', 0o711, 1]]);
    expect(JSON.parse(readFileSync(note, 'utf8'))).toEqual([]);
  });

  it('is one that did not reach its end: after a failure, what is there belongs to the person', async () => {
    const snapshot = new StoredSnapshot({ f: text('1', '2', '3', '4'), g: text('lost') });
    snapshot.lost.add(snapshot.objectOf('lost'));
    expect(await bench.restore(snapshot)).toMatchObject({ files: 1, failed: 1 });
    writeFileSync(at('f'), 'weeks of work');
    await expect(bench.restore(snapshot)).rejects.toMatchObject({ code: 'target_not_empty' });
    expect(read('f')).toBe('weeks of work');
  });

  it('goes on by the same command, and fetches nothing again that is there', async () => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, text(`${i}a`, `${i}b`)]));
    const snapshot = new StoredSnapshot(files);
    const stop = new AbortController();
    const get = snapshot.objects.get;
    snapshot.objects.get = async (id, signal) => {
      if (snapshot.fetched.length === 10) stop.abort();
      return get(id, signal);
    };
    await expect(bench.restore(snapshot, {}, stop.signal)).rejects.toMatchObject({ code: 'interrupted' });
    expect(readdirSync(at()).length).toBeGreaterThan(5);
    const first = new Set(snapshot.fetched);
    snapshot.objects.get = get;
    snapshot.fetched.length = 0;
    expect(await bench.restore(snapshot)).toMatchObject({ files: 40, failed: 0 });
    for (let i = 0; i < 40; i++) expect(read(`f${i}`)).toBe(`${i}a${i}b`);
    // Those under way at the stop may come twice.
    expect(snapshot.fetched.filter((id) => first.has(id)).length).toBeLessThanOrEqual(4);
    // It has ended: the target is any folder now.
    await expect(bench.restore(snapshot)).rejects.toMatchObject({ code: 'target_not_empty' });
  });
});

describe('--verify', () => {
  it('tells a file that does not read back, and another restore mends it', async () => {
    const snapshot = new StoredSnapshot({ a: text('good'), b: text('good', 'bad!') });
    bench.onEntry = ({ path }) => path === 'b' && writeFileSync(at('b'), 'goodBAD!');
    expect(await bench.restore(snapshot, { verify: true })).toMatchObject({ verified: 1, failed: 1 });
    expect(bench.failures).toEqual(['b file_mismatch']);
    bench.onEntry = () => undefined;
    const again = await bench.restore(snapshot, { verify: true, overwrite: 'always' });
    expect(again).toMatchObject({ verified: 2, failed: 0, bytes: 4 });
    expect(read('b')).toBe('goodbad!');
  });
});

// What a backup leaves out by tag files, sizes and file systems, on the real disk.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CACHE_TAG, EntrySelection, type SelectionRules } from './entry-selection.js';
import type { EntryStat } from './entry-stat.js';
import { selectedWalk } from './selected-walk.js';
import { freshFolder } from './testing-folders.js';
import { resolveRoots } from './walk-roots.js';

let folder: ReturnType<typeof freshFolder>;
beforeEach(() => {
  folder = freshFolder();
});
afterEach(() => folder.remove());

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), content);
  }
}

/** Paths below the folder; folders end with a slash. */
async function walked(rules: SelectionRules, paths = [folder.path]): Promise<string[]> {
  const found: string[] = [];
  for await (const { type, path, depth } of selectedWalk(resolveRoots(paths).roots, rules)) {
    if (depth === 0 || type === 'leave-dir') continue;
    found.push(path.toString().slice(folder.path.length + 1) + (type === 'enter-dir' ? '/' : ''));
  }
  return found;
}

describe('a selected walk', () => {
  it('leaves out by patterns, with and without regard to case', async () => {
    write({ 'a.tmp': '', 'b.TMP': '', 'keep.tmp': '', 'd/c.Log': '' });
    expect(await walked({ excludes: ['*.tmp', '!keep.tmp'] })).toEqual(['b.TMP', 'd/', 'd/c.Log', 'keep.tmp']);
    expect(await walked({ excludes: ['*.tmp'], excludesIgnoringCase: ['*.LOG'] })).toEqual(['b.TMP', 'd/']);
  });

  it('keeps of a tagged folder the folder and the tag', async () => {
    write({
      'a/.nobackup': '',
      'a/x': '',
      'a/deep/y': '',
      'b/x': '',
      'c/deep/.nobackup': '',
      'c/deep/x': '',
      'c/z': '',
    });
    expect(await walked({ excludeIfPresent: [{ name: '.nobackup', header: '' }] })).toEqual([
      'a/',
      'a/.nobackup',
      'b/',
      'b/x',
      'c/',
      'c/deep/',
      'c/deep/.nobackup',
      'c/z',
    ]);
  });

  it('asks the tag for its header, and knows the tag of caches', async () => {
    write({
      'a/CACHEDIR.TAG': `${CACHE_TAG.header}\n# why`,
      'a/x': '',
      'b/CACHEDIR.TAG': 'Signature: none',
      'b/x': '',
    });
    expect(await walked({ excludeIfPresent: [CACHE_TAG] })).toEqual([
      'a/',
      'a/CACHEDIR.TAG',
      'b/',
      'b/CACHEDIR.TAG',
      'b/x',
    ]);
  });

  it('counts a tag in the folder that was given', async () => {
    write({ tag: '', x: '' });
    expect(await walked({ excludeIfPresent: [{ name: 'tag', header: '' }] })).toEqual(['tag']);
  });

  it('leaves out larger files, and nothing else', async () => {
    write({ small: '12345', large: '123456', 'd/large': '123456' });
    symlinkSync('large'.repeat(10), join(folder.path, 'link'));
    expect(await walked({ fileBytesMax: 5 })).toEqual(['d/', 'link', 'small']);
  });

  it('stays on the file system of each given path', async () => {
    write({ x: '' });
    // A file system of its own everywhere on Linux, and nothing of it is read: only names.
    const found = await walked({ oneFileSystem: true, excludes: ['/proc/[0-9]*'] }, [folder.path, '/proc']);
    expect(found).toContain('x');
    expect(found.length).toBeGreaterThan(10);
  });

  it('refuses a malformed pattern', async () => {
    await expect(walked({ excludes: ['[z-a]'] })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('one file system', () => {
  const stat = (device: bigint): EntryStat => ({ device, sizeBytes: 1 }) as EntryStat;
  const at = (path: string, device: bigint | null) => ({
    path: Buffer.from(path),
    stat: device === null ? null : stat(device),
  });

  it('keeps the folder where another one is mounted, and nothing in it', () => {
    const selection = new EntrySelection({ oneFileSystem: true });
    selection.enter(at('/a', 1n));
    expect(selection.omits(Buffer.from('/a/mnt'))).toBe(false);
    selection.enter(at('/a/mnt', 2n));
    expect(selection.omits(Buffer.from('/a/mnt/x'))).toBe(true);
    selection.leave();
    expect(selection.omits(Buffer.from('/a/x'))).toBe(false);
    expect([selection.omitsLeaf('file', stat(1n)), selection.omitsLeaf('file', stat(2n))]).toEqual([false, true]);
  });

  it('is that of each path when several are given', () => {
    const selection = new EntrySelection({ oneFileSystem: true });
    selection.enter(at('', null));
    expect(selection.omitsLeaf('file', stat(7n))).toBe(false);
    for (const device of [1n, 2n]) {
      selection.enter(at(`/${device}`, device));
      expect([selection.omits(Buffer.from('/x/y')), selection.omitsLeaf('file', stat(device))]).toEqual([false, false]);
      selection.leave();
    }
  });

  it('is no matter unless it is asked for', () => {
    const selection = new EntrySelection({});
    selection.enter(at('/a', 1n));
    selection.enter(at('/a/mnt', 2n));
    expect([selection.omits(Buffer.from('/a/mnt/x')), selection.omitsLeaf('file', stat(3n))]).toEqual([false, false]);
  });
});

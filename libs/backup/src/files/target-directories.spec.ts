// The directories of a restore: known by identity, entered again only when they are still the same ones.
import { mkdirSync, readdirSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TargetDirectories } from './target-directories.js';
import { freshFolder } from './testing-folders.js';

let folder: ReturnType<typeof freshFolder>;
const at = (...names: string[]) => join(folder.path, ...names);
beforeEach(() => {
  folder = freshFolder();
});
afterEach(() => folder.remove());

describe.each([
  ['by descriptor paths', true],
  ['by checked paths', false],
])('target directories, %s', (_how, useDescriptorPaths) => {
  const name = (text: string) => Buffer.from(text);
  const open = () => new TargetDirectories(at('target'), useDescriptorPaths);

  it('lead to what was made', () => {
    const directories = open();
    const inner = directories.make(directories.make(directories.root, name('a')), name('b'));
    writeFileSync(directories.pathIn(inner, name('f')), 'x');
    writeFileSync(directories.pathIn(directories.root, name('g')), 'x');
    directories.close();
    expect(readdirSync(at('target'), { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/f', 'g']);
  });

  it('are entered again after their descriptor was closed', () => {
    const directories = open();
    const outer = directories.make(directories.root, name('a'));
    const inner = directories.make(outer, name('b'));
    directories.release(outer);
    directories.release(inner);
    writeFileSync(directories.pathIn(inner, name('f')), 'x');
    directories.close();
    expect(readdirSync(at('target/a/b'))).toEqual(['f']);
  });

  it.each([
    ['a link', () => symlinkSync(at('elsewhere'), at('target/a'))],
    ['another directory', () => mkdirSync(at('target/a'))],
    ['nothing', () => undefined],
  ])('are refused when %s took their place', (_what, replace) => {
    mkdirSync(at('elsewhere'));
    const directories = open();
    const outer = directories.make(directories.root, name('a'));
    directories.release(outer);
    renameSync(at('target/a'), at('target/moved'));
    replace();
    expect(() => directories.pathIn(outer, name('f'))).toThrowError(expect.objectContaining({ code: 'local_disk' }));
    directories.close();
  });

  it('are refused when a link took the place of one above', () => {
    const directories = open();
    const outer = directories.make(directories.root, name('a'));
    const inner = directories.make(outer, name('b'));
    directories.release(outer);
    directories.release(inner);
    mkdirSync(at('elsewhere/b'), { recursive: true });
    renameSync(at('target/a'), at('target/moved'));
    symlinkSync(at('elsewhere'), at('target/a'));
    expect(() => directories.pathIn(inner, name('f'))).toThrowError(expect.objectContaining({ code: 'local_disk' }));
    directories.close();
  });

  it('never take over a directory that is there', () => {
    const directories = open();
    mkdirSync(at('target/a'));
    expect(() => directories.make(directories.root, name('a'))).toThrowError(
      expect.objectContaining({ code: 'EEXIST' }),
    );
    directories.close();
  });

  it('start in an empty target only', () => {
    mkdirSync(at('target/full'), { recursive: true });
    expect(open).toThrowError(expect.objectContaining({ code: 'target_not_empty' }));
    writeFileSync(at('file'), '');
    expect(() => new TargetDirectories(at('file'), useDescriptorPaths)).toThrowError(
      expect.objectContaining({ code: 'local_disk' }),
    );
  });

  it('follow a link that the person named as the target', () => {
    mkdirSync(at('real'));
    symlinkSync('real', at('target'));
    const directories = open();
    directories.make(directories.root, name('a'));
    directories.close();
    expect(realpathSync(at('target/a'))).toBe(realpathSync(at('real/a')));
  });
});

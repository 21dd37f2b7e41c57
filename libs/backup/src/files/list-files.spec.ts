// Lists that a person gives in files: lines, raw paths, variables, and the encodings of editors.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expandGlob } from './expand-glob.js';
import { expandVariables, linesOfListFile, linesOfVerbatimFile, pathsOfRawFile, textOfListFile } from './list-files.js';
import { freshFolder } from './testing-folders.js';

describe('list files', () => {
  it('are trimmed, without empty lines and comments', () => {
    expect(linesOfListFile(' *.tmp \r\n\n# why\n  #not this\n#\n/a b/c')).toEqual(['*.tmp', '/a b/c']);
  });

  it('are taken as they are when verbatim', () => {
    expect(linesOfVerbatimFile(' a \n\n#b\r\nc*')).toEqual([' a ', '#b', 'c*']);
  });

  it('are taken byte by byte when raw', () => {
    expect(pathsOfRawFile(Buffer.from('a\nb\0\xff\0', 'latin1'))).toEqual([Buffer.from('a\nb'), Buffer.of(0xff)]);
    expect(pathsOfRawFile(Buffer.alloc(0))).toEqual([]);
  });

  it.each([['a'], ['a\0b'], ['\0'], ['a\0\0']])('are refused when raw and cut or with an empty path: %j', (text) => {
    expect(() => pathsOfRawFile(Buffer.from(text))).toThrowError(expect.objectContaining({ code: 'usage' }));
  });

  it.each([
    ['UTF-8', Buffer.from('é')],
    ['UTF-8 with a mark', Buffer.from('\uFEFFé')],
    ['UTF-16 LE', Buffer.from('\uFEFFé', 'utf16le')],
    ['UTF-16 BE', Buffer.from('\uFEFFé', 'utf16le').swap16()],
  ])('are read as %s', (_encoding, bytes) => {
    expect(textOfListFile(bytes)).toBe('é');
  });

  it.each([
    ['$HOME/x', '/home/ann/x'],
    ['$\u007bHOME}x', '/home/annx'],
    ['a$NONE/b', 'a/b'],
    ['$$HOME', '$HOME'],
    ['cost$', 'cost$'],
    ['a$.b', 'a$.b'],
  ])('have variables expanded: %s', (text, expanded) => {
    expect(expandVariables(text, { HOME: '/home/ann' })).toBe(expanded);
  });
});

describe('a glob', () => {
  let folder: ReturnType<typeof freshFolder>;
  beforeEach(() => {
    folder = freshFolder();
    for (const name of ['a', 'b', 'c']) mkdirSync(join(folder.path, name));
    for (const name of ['a/x.txt', 'b/x.txt', 'b/.x.txt', 'c/y']) writeFileSync(join(folder.path, name), '');
  });
  afterEach(() => folder.remove());

  it.each([
    ['*/x.txt', ['a/x.txt', 'b/x.txt']],
    ['b/*', ['b/.x.txt', 'b/x.txt']],
    ['[bc]/?', ['c/y']],
    ['c', ['c']],
    ['none', []],
    ['*/none', []],
    ['c/y/*', []],
  ])('finds what is on the disk: %s', (pattern, found) => {
    expect(expandGlob(`${folder.path}/${pattern}`)).toEqual(found.map((name) => join(folder.path, name)));
  });
});

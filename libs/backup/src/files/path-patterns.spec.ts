// Patterns of --exclude and --include, as a table.
import { describe, expect, it } from 'vitest';
import { compileExcludes, compileIncludes } from './path-patterns.js';

describe('excludes', () => {
  it.each([
    ['a name anywhere', 'cache', '/home/ann/cache', true],
    ['not a part of a name', 'cache', '/home/ann/cache2', false],
    ['the entry itself, not what is below: the walk never gets there', 'cache', '/home/cache/x', false],
    ['a star within a name', '*.tmp', '/a/b.tmp', true],
    ['a star for a leading dot', '*.tmp', '/a/.tmp', true],
    ['a star never for a slash', 'a*c', '/a/c', false],
    ['a question mark for one character', 'a?', '/ab', true],
    ['a question mark not for none', 'a?', '/a', false],
    ['one character is one code point', '?', '/😀', true],
    ['a range', '[a-c]1', '/x/b1', true],
    ['a range that is left out', '[^a-c]1', '/x/b1', false],
    ['a backslash before a star', '\\*', '/x/*', true],
    ['a backslash before a star, another name', '\\*', '/x/a', false],
    ['two names in a row', 'b/c', '/a/b/c', true],
    ['two names apart', 'b/c', '/b/a/c', false],
    ['the end of a path only', 'a/b', '/a/b/c', false],
    ['a path from the root', '/a/b', '/a/b', true],
    ['a path from the root, deeper', '/a/b', '/x/a/b', false],
    ['a star in a path from the root', '/home/*/tmp', '/home/ann/tmp', true],
    ['a star for one directory only', '/home/*/tmp', '/home/ann/x/tmp', false],
    ['two stars for many directories', '/home/**/tmp', '/home/ann/x/tmp', true],
    ['two stars for none', '/home/**/tmp', '/home/tmp', true],
    ['two stars in the middle of a row', 'a/**/d', '/x/a/b/c/d', true],
    ['two stars at the end: all below', 'a/**', '/x/a/b', true],
    ['two stars at the end: not the directory itself', 'a/**', '/x/a', false],
    ['stars inside a name', 'a**b', '/axxb', true],
    ['a slash at the end', 'cache/', '/x/cache', true],
    ['an exclamation mark inside a name is itself', 'a!b', '/a!b', true],
    ['an escaped exclamation mark is itself', '\\!a', '/!a', true],
    ['an exclamation mark alone leaves nothing out', '!a', '/a', false],
    ['and not what is left either', '!a', '/b', false],
    ['braces are themselves', '{a,b}', '/a', false],
    ['parentheses are themselves', 'photo (*).jpg', '/photo (1).jpg', true],
    ['a plus is itself', '+(a)', '/aa', false],
    ['quotes are themselves', '"a"', '/"a"', true],
    ['a dot is itself', 'a.b', '/axb', false],
    ['capitals count', 'a', '/A', false],
    ['a line break in a name', 'a*b', '/a\nb', true],
    ['a name that starts with a line break', '*', '/\na', true],
    ['an accent', 'é*', '/école', true],
    ['a backslash before a plain character', 'a\\!b*', '/a!bc', true],
  ])('%s: %s on %s is %s', (_rule, pattern, path, chosen) => {
    expect(compileExcludes([pattern])(path)).toBe(chosen);
  });

  it('chooses what any of the patterns chooses', () => {
    const omit = compileExcludes(['a', 'b']);
    expect(['/a', '/b', '/c'].map(omit)).toEqual([true, true, false]);
  });

  it.each([
    ['takes back what an earlier one left out', ['*.log', '!keep.log'], '/x/keep.log', false],
    ['and nothing else', ['*.log', '!keep.log'], '/x/other.log', true],
    ['but not what a later one leaves out', ['!keep.log', '*.log'], '/x/keep.log', true],
    ['the last that matches counts', ['*.log', '!keep.log', '/x/keep.log'], '/x/keep.log', true],
    ['takes back all below a folder', ['*.log', '!keep'], '/x/keep/deep/a.log', false],
    ['takes back below a folder that a glob names', ['*.log', '!k*p'], '/x/keep/a.log', false],
    ['and not below others', ['*.log', '!k*p'], '/x/other/a.log', true],
    ['takes back a path from the root', ['/x/*', '!/x/keep'], '/x/keep', false],
    ['leaves the rest of that folder out', ['/x/*', '!/x/keep'], '/x/other', true],
  ])('a pattern after an exclamation mark %s', (_rule, patterns, path, isOut) => {
    expect(compileExcludes(patterns)(path)).toBe(isOut);
  });

  it.each([
    ['a name', 'CaChe', '/x/cAChE', true],
    ['a glob', '*.TMP', '/x/a.tmp', true],
    ['letters with accents', 'É*', '/école', true],
    ['another name', 'cache', '/x/caches', false],
  ])('ignores case when told to: %s', (_rule, pattern, path, isOut) => {
    expect(compileExcludes([pattern], { ignoreCase: true })(path)).toBe(isOut);
  });

  it.each([[''], ['/'], ['./'], ['[z-a]'], ['!'], ['!/']])('refuses the pattern "%s"', (pattern) => {
    expect(() => compileExcludes([pattern])).toThrowError(expect.objectContaining({ code: 'usage' }));
  });

  it('answers quickly for a pattern of many stars', () => {
    const omit = compileExcludes([`/${'**/'.repeat(50)}x`]);
    expect(omit(`/${'a/'.repeat(200)}b`)).toBe(false);
  });
});

describe('includes', () => {
  it.each([
    ['the entry', '/a/b', '/a/b', true, 'match'],
    ['what is below the entry', '/a/b', '/a/b/c/d', false, 'match'],
    ['a directory that leads to it', '/a/b', '/a', true, 'lead'],
    ['the root, which leads to all', '/a/b', '/', true, 'lead'],
    ['a directory that does not lead to it', '/a/b', '/x', true, 'none'],
    ['a file where a directory would lead', '/a/b', '/a', false, 'none'],
    ['any directory may hold a name', '*.txt', '/x/y', true, 'lead'],
    ['a name anywhere', '*.txt', '/x/y/z.txt', false, 'match'],
    ['another name', '*.txt', '/x/y/z.bin', false, 'none'],
    ['below a name anywhere', 'docs', '/x/docs/y/z', false, 'match'],
    ['stars lead on', '/a/**/z', '/a/b/c', true, 'lead'],
    ['stars do not lead elsewhere', '/a/**/z', '/b', true, 'none'],
  ])('%s: %s on %s', (_rule, pattern, path, isDirectory, choice) => {
    expect(compileIncludes([pattern])(path, isDirectory)).toBe(choice);
  });

  it('choose all when there is no pattern', () => {
    expect(compileIncludes([])('/x', false)).toBe('match');
  });
});

// Extended attributes of entries as a backup reads them: all that fit, and one word about each kind that does not.
import { closeSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { XATTR_VALUE_BYTES_MAX, XATTRS_MAX } from '../trees/tree-limits.js';
import { fileError } from './file-error.js';
import { libc } from './libc.js';
import { XattrReader } from './read-xattrs.js';
import { freshFolder } from './testing-folders.js';

const PATH = Buffer.from('/any');
let folder: ReturnType<typeof freshFolder>;
let told: string[];
beforeEach(() => {
  folder = freshFolder();
  told = [];
});
afterEach(() => folder.remove());

type Calls = ConstructorParameters<typeof XattrReader>[1];

const readerOf = (calls?: Calls): XattrReader =>
  new XattrReader(({ path, attribute, reason }) => told.push(`${path} ${attribute} ${reason}`), calls);

/** Calls that answer for a file with these attributes. */
function callsOf(values: Readonly<Record<string, Buffer | (() => Buffer)>>): Calls {
  return {
    missing: null,
    listXattrs: () => Object.keys(values).map((name) => Buffer.from(name)),
    getXattr: (_at, name) => {
      const value = values[name.toString()];
      return typeof value === 'function' ? value() : (value ?? null);
    },
  };
}

const namesOf = (reader: XattrReader): string[] | undefined => reader.read(1, PATH)?.map(({ name }) => `${name}`);

describe('the extended attributes of an entry', () => {
  it('are read from the open file and by path, and a link has its own', () => {
    const file = Buffer.from(join(folder.path, 'f'));
    const link = Buffer.from(join(folder.path, 'l'));
    writeFileSync(file, '');
    symlinkSync('f', link);
    libc().setXattr(file, Buffer.from('user.b'), Buffer.from('2'));
    libc().setXattr(file, Buffer.from('user.a'), Buffer.alloc(0));
    const expected = [
      { name: Buffer.from('user.a'), value: Buffer.alloc(0) },
      { name: Buffer.from('user.b'), value: Buffer.from('2') },
    ];
    const reader = readerOf();
    const descriptor = openSync(file, 'r');
    expect(reader.read(descriptor, file)).toEqual(expected);
    closeSync(descriptor);
    expect(reader.read(file, file)).toEqual(expected);
    expect(reader.read(link, link)).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('that one may not read is told once, and the others are kept', () => {
    const refuse = () => {
      throw fileError('getxattr', constants.errno.EACCES);
    };
    const reader = readerOf(callsOf({ a: Buffer.from('1'), b: refuse, c: Buffer.from('3') }));
    expect(namesOf(reader)).toEqual(['a', 'c']);
    expect(namesOf(reader)).toEqual(['a', 'c']);
    expect(told).toEqual(['/any b EACCES']);
  });

  it('whose list cannot be read are told, and there are none', () => {
    const listXattrs = () => {
      throw fileError('listxattr', constants.errno.EIO);
    };
    expect(namesOf(readerOf({ ...callsOf({})!, listXattrs }))).toBeUndefined();
    expect(told).toEqual(['/any  EIO']);
  });

  it('that are more than a tree holds are told and left out', () => {
    const large = Buffer.alloc(XATTR_VALUE_BYTES_MAX);
    const tooMuch = callsOf({ a: large, b: large, c: large, d: large, e: large, f: Buffer.from('fits') });
    expect(namesOf(readerOf(tooMuch))).toEqual(['a', 'b', 'c', 'f']);
    expect(namesOf(readerOf(callsOf({ a: Buffer.alloc(XATTR_VALUE_BYTES_MAX + 1) })))).toBeUndefined();
    const many = Array.from({ length: XATTRS_MAX + 1 }, (_, i) => [`x${i}`, Buffer.alloc(0)] as const);
    expect(namesOf(readerOf(callsOf(Object.fromEntries(many))))).toHaveLength(XATTRS_MAX);
    expect(told).toEqual(['/any d too large', '/any e too large', '/any a too large', `/any x${XATTRS_MAX} too large`]);
  });

  it('that vanish while they are read are none', () => {
    expect(namesOf(readerOf({ ...callsOf({ a: Buffer.alloc(1) })!, getXattr: () => null }))).toBeUndefined();
    expect(told).toEqual([]);
  });

  it('are told to be missing once where nothing can read them', () => {
    const reader = readerOf({ ...callsOf({ a: Buffer.alloc(1) })!, missing: 'darwin' });
    expect([namesOf(reader), namesOf(reader)]).toEqual([undefined, undefined]);
    expect(told).toEqual(['/any null darwin']);
  });
});

// Lines of unchanged files: what is recognised is the very line that the encoder makes, and nothing else is recognised.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '#protocol';
import type { EntryStat } from '../files/entry-stat.js';
import type { FileEntry } from './tree-entry.js';
import { encodeLine } from './tree-line.js';
import { unchangedContent } from './unchanged-line.js';

const timeNs = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const stat: fc.Arbitrary<EntryStat> = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeNs: timeNs,
  ctimeNs: timeNs,
  uid: fc.nat(2 ** 31 - 1),
  gid: fc.nat(2 ** 31 - 1),
  sizeBytes: fc.nat(9),
  device: fc.bigInt({ min: 0n, max: 99n }),
  inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  linkCount: fc.constant(1),
});
const name = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9 }).map((text) => Buffer.from(text)),
  fc.constantFrom('a b', 'é€🙂', '\u2028\u007f\u0085', '"', '\\', 'x\n', '{"name":"').map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
);
const ids = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }).map(encodeBase64url), {
  minLength: 1,
  maxLength: 3,
});

function entryOf(name: Buffer, seen: EntryStat, content: readonly string[]): FileEntry {
  const { mode, mtimeNs, ctimeNs, uid, gid, sizeBytes, inode } = seen;
  return { type: 'file', name, mode, mtimeNs, ctimeNs, uid, gid, sizeBytes, inode, content };
}

const contentFor = ({ sizeBytes }: EntryStat, some: string[]): string[] => (sizeBytes === 0 ? [] : some);

describe('the line of an unchanged file', () => {
  it('is recognised, with its chunks, whatever the name that needs no escape', () => {
    fc.assert(
      fc.property(name, stat, ids, (name, seen, some) => {
        const content = contentFor(seen, some);
        const text = encodeLine(entryOf(name, seen, content));
        const isPlain = text.includes(`"name":"${name.toString()}"`) && Buffer.from(name.toString()).equals(name);
        expect(unchangedContent(Buffer.from(text), name, seen)).toEqual(isPlain ? content : null);
      }),
    );
  });

  it('is not recognised when one thing is different', () => {
    const changes = fc.constantFrom<(seen: EntryStat) => EntryStat>(
      (seen) => ({ ...seen, mode: seen.mode ^ 1 }),
      (seen) => ({ ...seen, mtimeNs: seen.mtimeNs + 1n }),
      (seen) => ({ ...seen, ctimeNs: seen.ctimeNs - 1n }),
      (seen) => ({ ...seen, uid: seen.uid + 1 }),
      (seen) => ({ ...seen, gid: seen.gid + 1 }),
      (seen) => ({ ...seen, sizeBytes: seen.sizeBytes + 10 }),
      (seen) => ({ ...seen, inode: seen.inode ^ 1n }),
      (seen) => ({ ...seen, linkCount: 2 }),
    );
    fc.assert(
      fc.property(stat, ids, changes, (seen, some, change) => {
        const line = Buffer.from(encodeLine(entryOf(Buffer.from('a'), seen, contentFor(seen, some))));
        expect(unchangedContent(line, Buffer.from('a'), change(seen))).toBeNull();
        expect(unchangedContent(line, Buffer.from('b'), seen)).toBeNull();
      }),
    );
  });

  it.each<[string, (line: string) => string]>([
    ['an id of another length', (line) => line.replace('"content":["', '"content":["A')],
    ['an id with stray bits', (line) => line.replace(/.("\],"ctimeNs")/, 'B$1')],
    ['no comma between ids', (line) => line.replace('","', '""')],
    ['a comma at the end', (line) => line.replace('],"ctimeNs"', ',],"ctimeNs"')],
    ['no chunk for a file that is not empty', (line) => line.replace(/"content":\[[^\]]*\]/, '"content":[]')],
    ['another member', (line) => line.replace('],"ctimeNs"', '],"x":[],"ctimeNs"')],
    ['attributes', (line) => line.replace(',"size"', ',"xattrs":[{"name":"user.a","value":""}],"size"')],
    ['several names', (line) => line.replace('"}\n', '","hardLink":"1:2"}\n')],
  ])('is not recognised with %s', (_what, change) => {
    const seen = { mode: 0o644, mtimeNs: 1n, ctimeNs: 2n, uid: 0, gid: 0, sizeBytes: 5, device: 1n, inode: 3n };
    const content = [1, 2].map((byte) => encodeBase64url(new Uint8Array(32).fill(byte)));
    const line = encodeLine(entryOf(Buffer.from('a'), { ...seen, linkCount: 1 }, content));
    expect(unchangedContent(Buffer.from(line), Buffer.from('a'), { ...seen, linkCount: 1 })).toEqual(content);
    expect(change(line)).not.toBe(line);
    expect(unchangedContent(Buffer.from(change(line)), Buffer.from('a'), { ...seen, linkCount: 1 })).toBeNull();
  });
});

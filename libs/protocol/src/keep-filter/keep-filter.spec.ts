// Keep-filters (B18, SPEC §8.4): nothing that was added is ever missed, others rarely seem to be there, and a part that is not
// whole is refused.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { KEEP_FILTER_BYTES_MAX, KEEP_FILTER_PARTS } from '../limits.js';
import type { ContentId } from '../messages/fields.js';
import { type KeepFilterAnswer, keepFilterAnswer } from '../messages/keep-filter.js';
import { BloomFilter, filterShape } from './bloom-filter.js';
import { keepPartHash, keepPartOf, keepPrefix, readKeepPart } from './keep-part.js';

interface Vectors {
  readonly filters: readonly {
    readonly cids: number;
    readonly falsePositives: number;
    readonly seed: string;
    readonly bits: number;
    readonly hashes: number;
    readonly filter_sha256: string;
  }[];
  readonly part: KeepFilterAnswer;
}

const vectors = JSON.parse(readFileSync(new URL('../../vectors/keep-filter.json', import.meta.url), 'utf8')) as Vectors;
const ONE = { part: 0, parts: 1 } as const;
const cidOf = (name: string): ContentId => encodeBase64url(nodeSuite.sha256(utf8(name))) as ContentId;
const content = (i: number): ContentId => cidOf(`content ${i}`);
const numbered = (count: number, first = 0): ContentId[] => Array.from({ length: count }, (_, i) => content(first + i));

function filterOf(cids: readonly ContentId[], falsePositives: number, seed: string, suite = nodeSuite): BloomFilter {
  const shape = filterShape(cids.length, falsePositives)!;
  const filter = BloomFilter.empty(suite, shape, decodeBase64url(seed)!);
  for (const cid of cids) filter.add(cid);
  return filter;
}

/** A part as a broker makes it, or with something changed before its hash is made. */
function partOf(cids: readonly ContentId[], changes: Partial<KeepFilterAnswer> = {}): KeepFilterAnswer {
  const { hashes } = filterShape(cids.length, 0.01)!;
  const seed = encodeBase64url(nodeSuite.sha256(utf8('seed')).subarray(0, 16));
  const filter = encodeBase64url(filterOf(cids, 0.01, seed).bytes);
  const at = '2026-11-21T00:00:00.000Z';
  const answer = { ...ONE, at, revision: 7, cids: cids.length, seed, hashes, filter, ...changes };
  const sha256 = encodeBase64url(keepPartHash(nodeSuite, answer, decodeBase64url(answer.filter)!));
  return { ...answer, sha256, ...('sha256' in changes && { sha256: changes.sha256! }) };
}

const readingOf =
  (answer: KeepFilterAnswer, asked: Parameters<typeof readKeepPart>[2] = ONE) =>
  () =>
    readKeepPart(nodeSuite, answer, asked);
const incomplete = expect.objectContaining({ code: 'keep_filter_incomplete' });

describe('the filter', () => {
  it.each(vectors.filters)('is bit for bit that of another implementation: $cids at $falsePositives', (vector) => {
    const { cids, falsePositives, bits, hashes, seed } = vector;
    expect(filterShape(cids, falsePositives)).toEqual({ bits, hashes });
    for (const suite of [nodeSuite, nobleSuite]) {
      const { bytes } = filterOf(numbered(cids), falsePositives, seed, suite);
      expect(encodeBase64url(nodeSuite.sha256(bytes))).toBe(vector.filter_sha256);
    }
  });

  it('has everything that was added, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ maxLength: 8 }), { maxLength: 300 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.constantFrom(0.1, 0.01, 0.0001),
        (names, seed, falsePositives) => {
          const cids = names.map(cidOf);
          const filter = filterOf(cids, falsePositives, encodeBase64url(seed));
          return cids.every((cid) => filter.has(cid));
        },
      ),
    );
  });

  it('seems to have of all others no more than the share that was asked for, and with each seed others', () => {
    const others = numbered(20_000, 1_000_000);
    const [first, second] = ['seed 1', 'seed 2'].map((name) => {
      const seed = encodeBase64url(nodeSuite.sha256(utf8(name)).subarray(0, 16));
      const filter = filterOf(numbered(5_000), 0.01, seed);
      return others.filter((cid) => filter.has(cid));
    });
    for (const mistaken of [first!, second!]) {
      expect(mistaken.length).toBeGreaterThan(120);
      expect(mistaken.length).toBeLessThan(280);
    }
    // By chance alone 2 of 20,000 are mistaken twice.
    expect(first!.filter((cid) => second!.includes(cid)).length).toBeLessThan(15);
  });

  it('says how many it has, to within a few of a hundred', () => {
    for (const count of [0, 1, 10, 500, 20_000]) {
      const estimate = filterOf(numbered(count), 0.01, vectors.filters[0]!.seed).estimate();
      expect(Math.abs(estimate - count)).toBeLessThanOrEqual(Math.max(1, count * 0.03));
    }
  });

  it('is never larger than a part may be', () => {
    expect(filterShape(870_000, 0.01)!.bits).toBeLessThanOrEqual(KEEP_FILTER_BYTES_MAX * 8);
    expect(filterShape(880_000, 0.01)).toBeNull();
  });
});

describe('parts', () => {
  it('each content id is in the part whose prefix it has, and in no other', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom(...KEEP_FILTER_PARTS),
        (bytes, parts) => {
          const cid = encodeBase64url(bytes) as ContentId;
          const within = Array.from({ length: parts }, (_, part) => part).filter((part) =>
            cid.startsWith(keepPrefix(part, parts)),
          );
          expect(within).toEqual([keepPartOf(cid, parts)]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('the vector is read', () => {
    expect(keepFilterAnswer.parse(vectors.part)).toEqual(vectors.part);
    const { filter, atMs } = readKeepPart(nodeSuite, vectors.part, ONE);
    expect(atMs).toBe(Date.UTC(2026, 10, 21));
    expect(numbered(4).map((cid) => filter.has(cid))).toEqual([true, true, true, false]);
  });

  it('one that is whole is taken', () => {
    for (const count of [0, 1, 5, 40, 3_000]) expect(readingOf(partOf(numbered(count)))).not.toThrow();
  });

  it('one that was asked for in vain, or is another, is refused', () => {
    const answer = partOf(numbered(100), { part: 3, parts: 64 });
    expect(readingOf(answer, { part: 3, parts: 64 })).not.toThrow();
    expect(readingOf(answer, { part: 4, parts: 64 })).toThrow(incomplete);
    expect(readingOf(answer, ONE)).toThrow(incomplete);
    const past = partOf(numbered(100), { part: 64, parts: 64 });
    expect(readingOf(past, { part: 64, parts: 64 })).toThrow(incomplete);
  });

  it('one whose hash is another is refused, whatever was changed', () => {
    const whole = partOf(numbered(100));
    const other = partOf(numbered(101));
    for (const field of ['at', 'revision', 'cids', 'seed', 'hashes', 'filter', 'sha256'] as const) {
      const value = { ...other, at: '2026-11-22T00:00:00.000Z', revision: 8, hashes: 8, seed: vectors.part.seed }[
        field
      ];
      expect(readingOf({ ...whole, [field]: value }), field).toThrow(incomplete);
    }
  });

  it('one that has less or more in it than it says is refused', () => {
    for (const count of [20, 1_000]) {
      const cids = numbered(count);
      const some = encodeBase64url(filterOf(cids.slice(0, count * 0.7), 0.01, partOf([]).seed).bytes);
      expect(readingOf(partOf(cids, { filter: some })), `${count} cut short`).toThrow(incomplete);
      expect(readingOf(partOf(cids, { cids: Math.floor(count * 0.7) }))).toThrow(incomplete);
      const { length } = decodeBase64url(partOf(cids).filter)!;
      expect(readingOf(partOf(cids, { filter: encodeBase64url(new Uint8Array(length)) }))).toThrow(incomplete);
      expect(readingOf(partOf(cids, { filter: encodeBase64url(new Uint8Array(length).fill(255)) }))).toThrow(
        incomplete,
      );
    }
    const empty = encodeBase64url(new Uint8Array(128));
    expect(readingOf(partOf(numbered(2), { filter: empty })), 'nothing in it').toThrow(incomplete);
  });
});

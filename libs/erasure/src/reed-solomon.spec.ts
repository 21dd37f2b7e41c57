// Tests of the code: equal to the plain oracle and to golden vectors, and any k of n give back everything.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import { ReedSolomon } from './reed-solomon.js';
import { encodePlainly, reconstructPlainly } from './reed-solomon-oracle.js';

interface Vectors {
  readonly whole: readonly { dataShards: number; totalShards: number; shardsHex: string[] }[];
  readonly hashed: readonly {
    dataShards: number;
    totalShards: number;
    shardBytes: number;
    sha256OfAllShards: string;
  }[];
}
const vectors: Vectors = JSON.parse(readFileSync(new URL('../vectors/reed-solomon.json', import.meta.url), 'utf8'));

describe('encode', () => {
  it.each([
    [1, 1, 64],
    [1, 3, 100],
    [2, 3, 64],
    [3, 3, 64],
    [4, 6, 0],
    [4, 6, 1],
    [4, 6, 31],
    [4, 6, 33],
    [4, 6, 16_384],
    [4, 6, 33_001],
    [7, 10, 777],
    [10, 14, 4099],
    [20, 30, 15_001],
    [1, 256, 50],
    [128, 256, 2500],
    [255, 256, 1300],
    [256, 256, 16],
  ])('of %i data shards in %i shards of %i bytes equals the oracle', (dataShards, totalShards, shardBytes) => {
    const shards = codeWord(dataShards, totalShards, shardBytes);
    const parity = encodePlainly(shards.slice(0, dataShards), totalShards);
    expectSameShards(shards.slice(dataShards), parity);
  });

  it.each(vectors.whole)('of $dataShards in $totalShards gives the golden shards', (vector) => {
    const expected = vector.shardsHex.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));
    const { dataShards, totalShards } = vector;
    expect(codeWord(dataShards, totalShards, expected[0]!.length)).toEqual(expected);
  });

  it.each(vectors.hashed)('of $dataShards in $totalShards gives shards with the golden hash', (vector) => {
    const hash = createHash('sha256');
    for (const shard of codeWord(vector.dataShards, vector.totalShards, vector.shardBytes)) hash.update(shard);
    expect(hash.digest('hex')).toBe(vector.sha256OfAllShards);
  });

  it('changes every parity shard at one byte when one byte of the data changes', () => {
    const before = codeWord(4, 7, 100);
    const data = before.slice(0, 4).map((shard) => shard.slice());
    data[2]![70]! ^= 1;
    const after = withParity(new ReedSolomon(4, 7), data);
    for (let number = 4; number < 7; number++) {
      const changed = [...after[number]!.keys()].filter((t) => after[number]![t] !== before[number]![t]);
      expect(changed).toEqual([70]);
    }
  });

  it('gives the same bytes range by range as at once', () => {
    const whole = codeWord(5, 8, 1000);
    const code = new ReedSolomon(5, 8);
    const parity = [0, 1, 2].map(() => new Uint8Array(1000));
    for (const [start, end] of [
      [0, 1],
      [1, 512],
      [512, 1000],
    ]) {
      const range = (shard: Uint8Array): Uint8Array => shard.subarray(start, end);
      code.encode(whole.slice(0, 5).map(range), parity.map(range));
    }
    expectSameShards(parity, whole.slice(5));
  });
});

describe('reconstruct', () => {
  it.each([
    [1, 1],
    [1, 3],
    [2, 3],
    [3, 3],
    [4, 6],
    [5, 9],
  ])('gives all shards from every choice of %i of %i', (dataShards, totalShards) => {
    const code = new ReedSolomon(dataShards, totalShards);
    const shards = codeWord(dataShards, totalShards, 37);
    const all = [...shards.keys()];
    for (const kept of choices(all, dataShards)) {
      const left = shards.map((shard, number) => (kept.includes(number) ? shard : null));
      expectSameShards(code.reconstruct(left, all), shards);
    }
  });

  it.each([
    [10, 14],
    [20, 30],
    [128, 256],
    [255, 256],
  ])('gives data and parity at %i of %i when all that can be lost is lost, as the oracle does', (k, n) => {
    const shards = codeWord(k, n, 41);
    const withoutFirst = shards.map((shard, number) => (number < n - k ? null : shard));
    const all = [...shards.keys()];
    const rebuilt = new ReedSolomon(k, n).reconstruct(withoutFirst, all);
    expectSameShards(rebuilt, shards);
    expectSameShards(reconstructPlainly(k, withoutFirst, all), shards);
  });

  it('gives any wanted shards in any order from any k or more of n, across tiles', () => {
    const cases = fc.integer({ min: 1, max: 256 }).chain((n) =>
      fc.record({
        n: fc.constant(n),
        k: fc.integer({ min: 1, max: n }),
        order: fc.shuffledSubarray([...Array(n).keys()], { minLength: n }),
        wanted: fc.shuffledSubarray([...Array(n).keys()], { maxLength: Math.min(n, 12) }),
        extra: fc.integer({ min: 0, max: 3 }),
        shardBytes: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 1100, max: 2600 })),
      }),
    );
    fc.assert(
      fc.property(cases, ({ n, k, order, wanted, extra, shardBytes }) => {
        const shards = codeWord(k, n, shardBytes);
        const kept = new Set(order.slice(0, k + extra));
        const left = shards.map((shard, number) => (kept.has(number) ? shard : null));
        const rebuilt = new ReedSolomon(k, n).reconstruct(left, wanted);
        expectSameShards(
          rebuilt,
          wanted.map((number) => shards[number]!),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('hands a present shard back as it is', () => {
    const shards = codeWord(2, 3, 10);
    expect(new ReedSolomon(2, 3).reconstruct([null, null, shards[2]!], [2])[0]).toBe(shards[2]);
  });

  it('gives wrong bytes from wrong bytes, so content ids must be checked', () => {
    const shards = codeWord(2, 4, 10);
    const bad = shards[3]!.slice();
    bad[0]! ^= 1;
    const rebuilt = new ReedSolomon(2, 4).reconstruct([null, shards[1]!, null, bad], [0]);
    expect(rebuilt[0]).not.toEqual(shards[0]);
  });

  it('refuses when fewer than k shards are present', () => {
    const shards = codeWord(3, 5, 10);
    const left = [null, shards[1]!, null, null, shards[4]!];
    const attempt = caught(() => new ReedSolomon(3, 5).reconstruct(left, [0]));
    expect(isRefusal(attempt, 'object_unavailable')).toBe(true);
  });
});

describe('wrong sizes are refused', () => {
  it.each([
    [0, 1],
    [2, 1],
    [1, 257],
    [1.5, 3],
    [1, Number.NaN],
  ])('a code of %d of %d', (dataShards, totalShards) => {
    expect(() => new ReedSolomon(dataShards, totalShards)).toThrow();
  });

  it('too many, too few or unequal shards', () => {
    const code = new ReedSolomon(2, 3);
    const [first, second, parity] = codeWord(2, 3, 10) as [Uint8Array, Uint8Array, Uint8Array];
    const longer = new Uint8Array(11);
    expect(() => code.encode([first], [parity])).toThrow();
    expect(() => code.encode([first, second], [])).toThrow();
    expect(() => code.encode([first, longer], [parity])).toThrow();
    expect(() => code.encode([first, second], [longer])).toThrow();
    expect(() => code.reconstruct([first, null], [1])).toThrow();
    expect(() => code.reconstruct([first, null, longer], [1])).toThrow();
    expect(() => code.reconstruct([first, null, parity], [3])).toThrow();
    expect(() => code.reconstruct([first, null, parity], [1, 1])).toThrow();
    expect(code.reconstruct([first, null, parity], [1])).toEqual([second]);
  });
});

/** All n shards; the data is cut from SHA-256(u32be 0) || SHA-256(u32be 1) || ... as in the golden vectors. */
function codeWord(dataShards: number, totalShards: number, shardBytes: number): Uint8Array[] {
  const blocks = Array.from({ length: Math.ceil((dataShards * shardBytes) / 32) }, (_, index) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(index);
    return createHash('sha256').update(counter).digest();
  });
  const object = new Uint8Array(Buffer.concat(blocks)).subarray(0, dataShards * shardBytes);
  const data = Array.from({ length: dataShards }, (_, j) => object.subarray(j * shardBytes, (j + 1) * shardBytes));
  return withParity(new ReedSolomon(dataShards, totalShards), data);
}

function withParity(code: ReedSolomon, data: readonly Uint8Array[]): Uint8Array[] {
  const parity = Array.from({ length: code.parityShards }, () => new Uint8Array(data[0]!.length));
  code.encode(data, parity);
  return [...data, ...parity];
}

/** Compares by bytes; expect's own comparison takes seconds at these sizes. */
function expectSameShards(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  expect(actual.length).toBe(expected.length);
  const different = [...expected.keys()].filter((number) => Buffer.compare(actual[number]!, expected[number]!) !== 0);
  expect(different).toEqual([]);
}

/** Every way to choose `count` of the items. */
function choices<T>(items: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, index) => choices(items.slice(index + 1), count - 1).map((rest) => [item, ...rest]));
}

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}

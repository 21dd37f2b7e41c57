// Objects on this machine's disk: kept but for data, dropped when damaged, bounded, and never in the way.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { type ObjectId, uuidV7 } from '#protocol';
import { freshFolder } from '../files/testing-folders.js';
import { LocalObjects } from './local-objects.js';

const idOf = (number: number): ObjectId => uuidV7<ObjectId>(number, new Uint8Array(10));
const bytes = (fill: number, sizeBytes = 1_000): Buffer => Buffer.alloc(sizeBytes, fill);

let folder: ReturnType<typeof freshFolder>;
let clock: FakeClock;
beforeEach(() => {
  folder = freshFolder();
  clock = new FakeClock(1_000_000);
});
afterEach(() => folder.remove());

function objects({ key = 1, bytesMax = 1_000_000 } = {}): LocalObjects {
  return new LocalObjects({
    folder: join(folder.path, 'objects'),
    cacheKey: new Uint8Array(32).fill(key),
    clock,
    log: openLog('test', 'silent'),
    bytesMax,
  });
}

const names = (): string[] => readdirSync(join(folder.path, 'objects')).sort();

describe('local objects', () => {
  it.each(['tree', 'index', 'snapshot', 'notice'] as const)('keep a %s object for the next process', async (kind) => {
    await objects().keep(idOf(1), kind, bytes(7));
    expect(await objects().read(idOf(1))).toEqual(bytes(7));
    expect(await objects().has(idOf(1))).toBe(true);
  });

  it('keep no data', async () => {
    const local = objects();
    await local.keep(idOf(1), 'data', bytes(7));
    expect([await local.read(idOf(1)), await local.has(idOf(1))]).toEqual([null, false]);
  });

  it('have nothing when their folder is gone, and are not disturbed by it', async () => {
    const local = objects();
    await local.keep(idOf(1), 'tree', bytes(7));
    folder.remove();
    expect(await local.read(idOf(1))).toBeNull();
    await local.keep(idOf(2), 'tree', bytes(8));
    expect(await local.read(idOf(2))).toBeNull();
    mkdirSync(folder.path);
  });

  it.each([
    ['a turned bit', (file: Buffer) => file.fill(file[10]! ^ 1, 10, 11)],
    ['a turned bit in the HMAC', (file: Buffer) => file.fill(file.at(-1)! ^ 1, file.length - 1)],
    ['a missing end', (file: Buffer) => file.subarray(0, 500)],
    ['nothing in it', () => Buffer.alloc(0)],
  ])('drop a file with %s', async (_damage, damage) => {
    const local = objects();
    await local.keep(idOf(1), 'tree', bytes(7));
    const path = join(folder.path, 'objects', idOf(1));
    writeFileSync(path, damage(readFileSync(path)));
    expect(await local.read(idOf(1))).toBeNull();
    expect(names()).toEqual([]);
  });

  it('drop a file of another object and one of another key', async () => {
    await objects().keep(idOf(1), 'tree', bytes(7));
    writeFileSync(join(folder.path, 'objects', idOf(2)), readFileSync(join(folder.path, 'objects', idOf(1))));
    expect(await objects().read(idOf(2))).toBeNull();
    expect(await objects({ key: 2 }).read(idOf(1))).toBeNull();
  });

  it('stay within their bound: what was used last stays', async () => {
    const local = objects({ bytesMax: 4_500 });
    for (let number = 1; number <= 4; number++) {
      await local.keep(idOf(number), 'tree', bytes(number));
      clock.advance(5_000);
    }
    expect(await local.read(idOf(1))).toEqual(bytes(1));
    clock.advance(5_000);
    await local.keep(idOf(5), 'tree', bytes(5));
    expect(names()).toEqual([idOf(1), idOf(4), idOf(5)]);
  });

  it('count what an earlier process left, and take its unfinished files away', async () => {
    await objects().keep(idOf(1), 'tree', bytes(1, 3_000));
    writeFileSync(join(folder.path, 'objects', `${idOf(2)}.new`), 'cut off');
    clock.advance(5_000);
    await objects({ bytesMax: 4_500 }).keep(idOf(3), 'tree', bytes(3, 3_000));
    expect(names()).toEqual([idOf(3)]);
  });

  it('are in nobody’s way when the disk refuses', async () => {
    writeFileSync(join(folder.path, 'objects'), 'no folder');
    const local = objects();
    await local.keep(idOf(1), 'tree', bytes(7));
    expect(await local.read(idOf(1))).toBeNull();
  });
});

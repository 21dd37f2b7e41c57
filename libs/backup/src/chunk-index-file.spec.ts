// The index file: what was stored is found after a restart, whatever happened to the end of the file or to all of it.
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRefusal, type ObjectId, uuidV7 } from '#protocol';
import { encodeIndexRecord, INDEX_HEADER_BYTES, INDEX_RECORD_BYTES_MAX } from './chunk-index-codec.js';
import { ChunkIndexFile } from './chunk-index-file.js';
import { deriveDataKeys } from './keys.js';
import { OBJECT_CHUNKS_MAX } from './limits.js';
import type { ChunkEntry, ObjectKind } from './objects/object-codec.js';

const { cacheKey } = deriveDataKeys(new Uint8Array(32).fill(1));
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peerkeep-index-'));
  path = join(folder, 'chunks.index');
});
afterEach(() => rmSync(folder, { recursive: true }));

const objectIdOf = (number: number): ObjectId => uuidV7(1_790_000_000_000, Buffer.alloc(10, number));

function entriesOf(object: number, count = 3): ChunkEntry[] {
  // Ids look random, as HMACs do.
  const ids = createCipheriv('aes-256-ctr', Buffer.alloc(32, object), Buffer.alloc(16)).update(
    Buffer.alloc(count * 32),
  );
  return Array.from({ length: count }, (_, index) => {
    const chunkId = ids.subarray(index * 32, index * 32 + 32);
    return { chunkId, index, offset: 80 + index * 60, storedBytes: 60, rawBytes: 43 + index };
  });
}

const storedOf = (object: number, count?: number, kind: ObjectKind = 'data') => ({
  objectId: objectIdOf(object),
  kind,
  entries: entriesOf(object, count),
});

async function write(...objects: number[]): Promise<void> {
  const file = await ChunkIndexFile.open({ path, cacheKey });
  for (const object of objects) await file.storeObject(storedOf(object));
  await file.close();
}

/** Opens, says how that went and which objects are known, and closes. */
async function state(key = cacheKey): Promise<{ opening: string; tornBytes: number; objects: ObjectId[] }> {
  const file = await ChunkIndexFile.open({ path, cacheKey: key });
  await file.close();
  return { opening: file.opening, tornBytes: file.tornBytes, objects: [...file.index.objectIds()] };
}

describe('ChunkIndexFile', () => {
  it('finds after a restart what was stored, and no more what was forgotten', async () => {
    await write(1, 2, 3);
    const file = await ChunkIndexFile.open({ path, cacheKey });
    await file.forgetObjects([objectIdOf(2), objectIdOf(9)]);
    await file.storeObject(storedOf(4));
    await file.close();
    const reopened = await ChunkIndexFile.open({ path, cacheKey });
    await reopened.close();
    const { index } = reopened;
    expect([...index.objectIds()]).toEqual([objectIdOf(1), objectIdOf(3), objectIdOf(4)]);
    for (const entry of entriesOf(4)) expect(index.get(entry.chunkId)).toEqual({ objectId: objectIdOf(4), entry });
    for (const entry of entriesOf(2)) expect(index.get(entry.chunkId)).toBeUndefined();
  });

  it('knows after a restart which objects no stored index names', async () => {
    const file = await ChunkIndexFile.open({ path, cacheKey });
    for (const object of [1, 2, 3, 4]) await file.storeObject(storedOf(object, 3, object === 2 ? 'tree' : 'data'));
    await file.storeObject(storedOf(5, 3, 'index'));
    await file.storeObject(storedOf(6, 3, 'snapshot'));
    await file.storePublished([{ objectId: objectIdOf(7), entries: entriesOf(7) }]);
    // Published by a run that died before it could mark it; forgotten before it was published.
    await file.storePublished([{ objectId: objectIdOf(3), entries: entriesOf(3) }]);
    await file.forgetObjects([objectIdOf(4)]);
    expect([...file.unpublished.values()]).toMatchObject([storedOf(1), storedOf(2, 3, 'tree')]);
    await file.close();

    const reopened = await ChunkIndexFile.open({ path, cacheKey });
    expect([...reopened.unpublished.values()]).toMatchObject([storedOf(1), storedOf(2, 3, 'tree')]);
    expect([...reopened.index.objectIds()]).toEqual([1, 2, 3, 5, 6, 7].map(objectIdOf));
    await reopened.markPublished([objectIdOf(1), objectIdOf(2)]);
    expect(reopened.unpublished.size).toBe(0);
    await reopened.close();
    const last = await ChunkIndexFile.open({ path, cacheKey });
    expect(last.unpublished.size).toBe(0);
    expect(last.index.size).toBe(6 * 3);
    await last.close();
  });

  it('keeps concurrent writes in order, and writes a known object once', async () => {
    const file = await ChunkIndexFile.open({ path, cacheKey });
    await Promise.all([5, 6, 5, 7].map((object) => file.storeObject(storedOf(object))));
    await file.close();
    const recordBytes = encodeIndexRecord(cacheKey, { type: 'stored', ...storedOf(5) });
    expect(statSync(path).size).toBe(INDEX_HEADER_BYTES + 3 * recordBytes.length);
    expect((await state()).objects).toEqual([5, 6, 7].map(objectIdOf));
  });

  it('can be read by its owner only', async () => {
    await write(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('cuts off the torn tail at every length, and goes on from there', async () => {
    await write(1, 2);
    const whole = readFileSync(path);
    const recordBytes = (whole.length - INDEX_HEADER_BYTES) / 2;
    for (let length = INDEX_HEADER_BYTES; length < whole.length; length += 5) {
      writeFileSync(path, whole.subarray(0, length));
      const known = length < INDEX_HEADER_BYTES + recordBytes ? [] : [objectIdOf(1)];
      const tornBytes = (length - INDEX_HEADER_BYTES) % recordBytes;
      expect(await state()).toEqual({ opening: 'loaded', tornBytes, objects: known });
      await write(3);
      expect(await state()).toEqual({ opening: 'loaded', tornBytes: 0, objects: [...known, objectIdOf(3)] });
    }
  });

  it.each([
    ['zeros, as after a lost write of data', (whole: Buffer) => Buffer.concat([whole, Buffer.alloc(300)])],
    [
      'a last record whose data was lost',
      (whole: Buffer) => Buffer.concat([whole, Buffer.of(0, 0, 0, 62), Buffer.alloc(16 + 62)]),
    ],
  ])('cuts off a tail of %s', async (_, grow) => {
    await write(1, 2);
    writeFileSync(path, grow(readFileSync(path)));
    expect(await state()).toMatchObject({ opening: 'loaded', objects: [objectIdOf(1), objectIdOf(2)] });
    expect((await state()).tornBytes).toBe(0);
  });

  it('sets a file aside that is damaged before its last record, and starts empty', async () => {
    await write(1, 2);
    const whole = readFileSync(path);
    const recordBytes = (whole.length - INDEX_HEADER_BYTES) / 2;
    // Not the length: one that leads beyond the end looks like a torn tail.
    for (let i = INDEX_HEADER_BYTES + 4; i < INDEX_HEADER_BYTES + recordBytes; i += 7) {
      const damaged = Buffer.from(whole);
      damaged[i]! ^= 1;
      writeFileSync(path, damaged);
      expect(await state()).toEqual({ opening: 'set_aside', tornBytes: 0, objects: [] });
      expect(readFileSync(`${path}.set-aside`).equals(damaged)).toBe(true);
      expect(await state()).toMatchObject({ opening: 'loaded', objects: [] });
    }
  });

  it('never believes a changed byte, wherever it is', async () => {
    await write(1, 2);
    const whole = readFileSync(path);
    const allowed = [[], [objectIdOf(1)]];
    for (let i = 0; i < whole.length; i++) {
      const damaged = Buffer.from(whole);
      damaged[i]! ^= 0x40;
      writeFileSync(path, damaged);
      expect(allowed).toContainEqual((await state()).objects);
    }
  });

  it.each([
    ['another account', async () => write(1), deriveDataKeys(new Uint8Array(32).fill(2)).cacheKey],
    ['another program', async () => writeFileSync(path, 'not an index, but long enough to hold its header'), cacheKey],
    ['nobody, which is empty,', async () => writeFileSync(path, ''), cacheKey],
  ])('sets the file of %s aside', async (_, prepare, key) => {
    await prepare();
    const before = readFileSync(path);
    expect(await state(key)).toEqual({ opening: 'set_aside', tornBytes: 0, objects: [] });
    expect(readFileSync(`${path}.set-aside`).equals(before)).toBe(true);
  });

  it('loads records of the greatest size beside small ones, across its buffer', async () => {
    const file = await ChunkIndexFile.open({ path, cacheKey });
    const sizes = [1, OBJECT_CHUNKS_MAX, OBJECT_CHUNKS_MAX, 0, OBJECT_CHUNKS_MAX, 5];
    for (const [object, count] of sizes.entries()) {
      await file.storeObject(storedOf(object, count));
    }
    await file.close();
    expect(statSync(path).size).toBeGreaterThan(3 * (INDEX_RECORD_BYTES_MAX - 100));
    const reopened = await ChunkIndexFile.open({ path, cacheKey });
    await reopened.close();
    // Compared by value: the buffer that the file was read through has been used again since.
    for (const [object, count] of sizes.entries()) {
      const { entries } = reopened.unpublished.get(objectIdOf(object))!;
      const idsOf = (list: readonly ChunkEntry[]) => Buffer.concat(list.map(({ chunkId }) => chunkId));
      expect(idsOf(entries).equals(idsOf(entriesOf(object, count)))).toBe(true);
    }
    expect(reopened.index.size).toBe(sizes.reduce((sum, count) => sum + count));
  });

  it('tells that the folder is missing, or that the file was closed', async () => {
    const codeOf = (error: unknown) => (isRefusal(error) ? error.code : error);
    const missing = ChunkIndexFile.open({ path: join(folder, 'none', 'chunks.index'), cacheKey });
    expect(await missing.catch(codeOf)).toBe('local_disk');
    const file = await ChunkIndexFile.open({ path, cacheKey });
    await file.close();
    expect(await file.storeObject(storedOf(1)).catch(codeOf)).toBe('local_disk');
  });
});

// Opening objects: every wrong byte, key, id, length and directory is object_damaged, and no wrong plaintext comes out.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefusal, type ObjectId } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import { compressedBytesBound, compressInto } from '../compression/codec.js';
import { deriveDataKeys } from '../keys.js';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { ObjectBuilder } from './object-builder.js';
import { type ChunkEntry, directoryBytesOf, encodeEntries, encodeHeader, HEADER_BYTES } from './object-codec.js';
import { deriveObjectKey, sealPart } from './object-key.js';
import { CHUNK_MEMORY_BYTES, objectKeyOf, openChunk, openObject } from './open-object.js';

const keys = deriveDataKeys(new Uint8Array(32).fill(1));
const objectId = '01a3d2b4-5c6e-7f80-9123-456789abcdef' as ObjectId;
const texts = ['first', 'a compressible text '.repeat(10), 'third'];

const builder = new ObjectBuilder(keys, 'data', randomBytes);
for (const text of texts) builder.add(identifyChunk(keys.chunkIdKey, Buffer.from(text)));
const endBytes = builder.sealedBytes;
const { bytes, entries } = builder.seal(objectId);

function openAll(openKeys: typeof keys, id: ObjectId, object: Buffer): string[] {
  const key = objectKeyOf(openKeys, id, object);
  return openObject(key, object).entries.map((entry) => openChunk(openKeys, key, object, entry).toString());
}

function codeOf(open: () => unknown): string {
  try {
    open();
  } catch (error) {
    return isRefusal(error) ? error.code : String(error);
  }
  return 'opened';
}

/** Which check refused: its reason, or the part whose seal does not hold. */
function refusalOf(open: () => unknown): unknown {
  try {
    open();
  } catch (error) {
    return isRefusal(error, 'object_damaged') ? (error.facts.reason ?? error.facts.part) : error;
  }
  return 'opened';
}

describe('an object that was changed', () => {
  it('is refused for every single bit up to the end of the directory', () => {
    for (let bit = 0; bit < endBytes * 8; bit++) {
      const mutated = Buffer.from(bytes);
      mutated[bit >> 3]! ^= 1 << (bit & 7);
      const code = codeOf(() => openAll(keys, objectId, mutated));
      if (code !== 'object_damaged') expect.unreachable(`bit ${bit}: ${code}`);
    }
  });

  it('is refused in every chunk that was changed, when only chunks are opened', () => {
    const key = objectKeyOf(keys, objectId, bytes);
    for (const entry of entries) {
      for (let i = entry.offset; i < entry.offset + entry.storedBytes; i++) {
        const mutated = Buffer.from(bytes);
        mutated[i]! ^= 0x80;
        const code = codeOf(() => openChunk(keys, key, mutated, entry));
        if (code !== 'object_damaged') expect.unreachable(`byte ${i}: ${code}`);
      }
    }
  });

  it('is refused at every shorter length that cuts more than padding', () => {
    for (let length = 0; length < endBytes; length++) {
      const code = codeOf(() => openAll(keys, objectId, bytes.subarray(0, length)));
      if (code !== 'object_damaged') expect.unreachable(`${length} bytes: ${code}`);
    }
  });

  it('opens whatever its padding is', () => {
    const padded = Buffer.concat([bytes.subarray(0, endBytes), randomBytes(100)]);
    expect(openAll(keys, objectId, padded).sort()).toEqual([...texts].sort());
  });
});

describe('an object that is not ours', () => {
  it('is refused under another master key', () => {
    const others = deriveDataKeys(new Uint8Array(32).fill(2));
    expect(codeOf(() => openAll(others, objectId, bytes))).toBe('object_damaged');
  });

  it('is refused under another object id', () => {
    const otherId = '01a3d2b4-5c6e-7f80-9123-456789abcdee' as ObjectId;
    expect(codeOf(() => openAll(keys, otherId, bytes))).toBe('object_damaged');
  });
});

describe('a chunk that is opened from a wrong entry', () => {
  const key = objectKeyOf(keys, objectId, bytes);
  const [first, second] = [entries[0]!, entries[1]!];
  it.each<[string, Partial<ChunkEntry>, string]>([
    ['the id of another chunk', { chunkId: second.chunkId }, 'chunk_id'],
    ['another index', { index: 1 }, 'chunk'],
    ['an index out of range', { index: 2 ** 32 }, 'chunk_place'],
    ['the place of another chunk', { offset: second.offset, storedBytes: second.storedBytes, rawBytes: 500 }, 'chunk'],
    ['a longer plaintext', { rawBytes: first.rawBytes + 1 }, 'length'],
    ['an offset in the header', { offset: 32 }, 'chunk_place'],
    ['an offset behind the end', { offset: bytes.length }, 'chunk_place'],
    ['no bytes', { storedBytes: 0 }, 'chunk_place'],
    ['a tag only', { storedBytes: 17 }, 'chunk_place'],
    ['an impossible size', { rawBytes: CHUNK_BYTES_MAX + 1 }, 'chunk_place'],
  ])('is refused: %s', (_, wrong, reason) => {
    expect(refusalOf(() => openChunk(keys, key, bytes, { ...first, ...wrong }))).toBe(reason);
  });

  it('opens into the memory that is given, stored or compressed, and is refused there when it was changed', () => {
    const memory = Buffer.allocUnsafeSlow(CHUNK_MEMORY_BYTES);
    const opened = entries.map((entry) => {
      const plaintext = openChunk(keys, key, bytes, entry, memory);
      expect(plaintext.buffer).toBe(memory.buffer);
      return plaintext.toString();
    });
    expect(opened.sort()).toEqual(texts.toSorted());
    const changed = Buffer.from(bytes);
    changed[first.offset + 1]! ^= 1;
    expect(refusalOf(() => openChunk(keys, key, changed, first, memory))).toBe('chunk');
  });

  it('opens from the right one, without the directory', () => {
    const withoutDirectory = bytes.subarray(0, first.offset + first.storedBytes);
    expect(texts).toContain(openChunk(keys, key, withoutDirectory, first).toString());
  });
});

// Whoever has the master key, or a faulty writer, can seal anything: authentic is not the same as sound.
describe('an authentic object with a hostile header or directory', () => {
  const salt = randomBytes(32);
  const key = deriveObjectKey(keys.objectsKey, objectId, salt);

  interface Forgery {
    readonly chunks?: readonly { id?: Uint8Array; codec?: number; body?: Uint8Array; rawBytes?: number }[];
    readonly changeEntry?: (entry: ChunkEntry) => ChunkEntry;
    readonly changeHeader?: (header: Buffer) => void;
  }

  function forge({ chunks = [{}, {}], changeEntry = (e) => e, changeHeader = () => {} }: Forgery): Buffer {
    const object = Buffer.alloc(4_096);
    object.set(salt);
    let offset = 80;
    const forged = chunks.map(({ id, codec = 0, body = Buffer.from('body'), rawBytes = body.length }, index) => {
      const chunkId = id ?? identifyChunk(keys.chunkIdKey, body).chunkId;
      const plaintext = Buffer.concat([Buffer.of(codec), body]);
      const storedBytes = sealPart(key, 'chunk', 2 + index, plaintext, object, offset);
      offset += storedBytes;
      return changeEntry({ chunkId, index, offset: offset - storedBytes, storedBytes, rawBytes });
    });
    const directoryBytes = sealPart(key, 'directory', 1, encodeEntries(forged), object, offset);
    expect(directoryBytes).toBe(directoryBytesOf(chunks.length));
    const header = encodeHeader({ kind: 'data', chunkCount: chunks.length, directoryOffset: offset, directoryBytes });
    changeHeader(header);
    expect(header.length).toBe(HEADER_BYTES);
    sealPart(key, 'header', 0, header, object, 32);
    return object;
  }

  const last = (change: (entry: ChunkEntry) => Partial<ChunkEntry>): Forgery => ({
    changeEntry: (entry) => (entry.index === 1 ? { ...entry, ...change(entry) } : entry),
  });
  const bomb = () => {
    const zeros = Buffer.alloc(CHUNK_BYTES_MAX);
    const body = Buffer.alloc(compressedBytesBound(zeros.length));
    return body.subarray(0, compressInto(zeros, body, 0).sizeBytes);
  };

  it('opens when nothing is changed', () => {
    expect(openAll(keys, objectId, forge({}))).toEqual(['body', 'body']);
  });

  it.each<[string, Forgery, string]>([
    ['an offset behind the end', last(() => ({ offset: 2 ** 32 - 1 })), 'chunk_offset'],
    ['an offset in the header', last(() => ({ offset: 32 })), 'chunk_offset'],
    ['chunks that overlap', last((entry) => ({ offset: entry.offset - 1 })), 'chunk_offset'],
    ['a gap between chunks', last((entry) => ({ offset: entry.offset + 1 })), 'chunk_offset'],
    [
      'a chunk that reaches into the directory',
      last((entry) => ({ storedBytes: entry.storedBytes + 1, rawBytes: 5 })),
      'directory_offset',
    ],
    ['a chunk of no bytes', last(() => ({ storedBytes: 0 })), 'chunk_size'],
    ['a chunk of no plaintext', last(() => ({ rawBytes: 0 })), 'chunk_size'],
    ['a plaintext over the bound', last(() => ({ rawBytes: CHUNK_BYTES_MAX + 1 })), 'chunk_size'],
    ['a plaintext shorter than its body', last(() => ({ rawBytes: 3 })), 'chunk_size'],
    ['another magic', { changeHeader: (header) => header.write('PKOC') }, 'header_magic'],
    ['version 0', { changeHeader: (header) => header.writeUInt16BE(0, 4) }, 'header_field'],
    ['an unknown kind', { changeHeader: (header) => header.writeUInt8(6, 6) }, 'header_field'],
    ['kind 0', { changeHeader: (header) => header.writeUInt8(0, 6) }, 'header_field'],
    ['a reserved byte', { changeHeader: (header) => header.writeUInt8(1, 7) }, 'header_field'],
    ['the last reserved byte', { changeHeader: (header) => header.writeUInt8(1, 31) }, 'header_reserved'],
    ['no chunks', { changeHeader: (header) => header.writeUInt32BE(0, 8) }, 'chunk_count'],
    ['more chunks than directory', { changeHeader: (header) => header.writeUInt32BE(3, 8) }, 'directory_bytes'],
    ['chunks beyond the bound', { changeHeader: (header) => header.writeUInt32BE(65_537, 8) }, 'chunk_count'],
    ['a directory behind the end', { changeHeader: (header) => header.writeUInt32BE(4_096, 12) }, 'directory_offset'],
    ['a directory in the header', { changeHeader: (header) => header.writeUInt32BE(0, 12) }, 'directory_offset'],
    ['a directory without end', { changeHeader: (header) => header.writeUInt32BE(2 ** 32 - 1, 16) }, 'directory_bytes'],
  ])('does not open: %s', (_, forgery, reason) => {
    expect(refusalOf(() => openObject(key, forge(forgery)))).toBe(reason);
  });

  it.each<[string, Forgery, string]>([
    ['a plaintext longer than its stored body', last(() => ({ rawBytes: 5 })), 'length'],
    ['the id of another plaintext', { chunks: [{ id: new Uint8Array(32) }] }, 'chunk_id'],
    ['an unknown codec', { chunks: [{ codec: 2 }] }, 'codec'],
    ['a body that is no zstd frame', { chunks: [{ codec: 1 }] }, 'frame'],
    ['a decompression bomb', { chunks: [{ codec: 1, body: bomb(), rawBytes: 1_000 }] }, 'frame'],
  ])('opens no chunk of %s', (_, forgery, reason) => {
    const object = forge(forgery);
    const hostile = openObject(key, object).entries.at(-1)!;
    expect(refusalOf(() => openChunk(keys, key, object, hostile))).toBe(reason);
  });

  it('of a later version tells to update', () => {
    const later = forge({ changeHeader: (header) => header.writeUInt16BE(2, 4) });
    expect(codeOf(() => openAll(keys, objectId, later))).toBe('format_unsupported');
  });

  it('does not open a chunk as a directory, nor one chunk in the place of another', () => {
    const object = forge({});
    const entry = openObject(key, object).entries[1]!;
    const moved = Buffer.from(object);
    object.copy(moved, 80, entry.offset, entry.offset + entry.storedBytes);
    expect(codeOf(() => openAll(keys, objectId, moved))).toBe('object_damaged');
    const sealedAsChunk = Buffer.from(object);
    sealPart(
      key,
      'chunk',
      1,
      encodeEntries(openObject(key, object).entries),
      sealedAsChunk,
      80 + 2 * entry.storedBytes,
    );
    expect(codeOf(() => openAll(keys, objectId, sealedAsChunk))).toBe('object_damaged');
  });
});

// The stream of directory entries: round trips, one text per entry, pieces of any length, refusals by code.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url, isRefusal } from '#protocol';
import { ChunkIdListDecoder, encodeChunkIdList } from './chunk-id-text.js';
import { TreeDecoder, TreeEncoder, type TreeEntry } from './tree-codec.js';
import { TREE_LINE_BYTES_MAX } from './tree-limits.js';

const HEADER = '{"peerkeep":"tree","version":1}\n';
const ID = encodeBase64url(new Uint8Array(32).fill(7));

const chunkId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(encodeBase64url);
const anyBytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength }),
    fc
      .string({ unit: 'binary', minLength: 1, maxLength: maxLength / 4 })
      .map((text) => new Uint8Array(Buffer.from(text))),
  );
const metadata = {
  name: anyBytes(255),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  uid: fc.nat(2 ** 31 - 1),
  gid: fc.nat(2 ** 31 - 1),
};
const ids = fc.array(chunkId, { minLength: 1, maxLength: 5 });
const entry: fc.Arbitrary<TreeEntry> = fc.oneof(
  fc.record({
    ...metadata,
    type: fc.constant('file' as const),
    sizeBytes: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
    content: ids,
  }),
  fc.record({
    ...metadata,
    type: fc.constant('file' as const),
    sizeBytes: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
    contentOf: ids,
  }),
  fc.record({ ...metadata, type: fc.constant('file' as const), sizeBytes: fc.constant(0), content: fc.constant([]) }),
  fc.record({ ...metadata, type: fc.constant('dir' as const), subtree: ids }),
  fc.record({ ...metadata, type: fc.constant('symlink' as const), linkTarget: anyBytes(4095) }),
);
const tree = fc
  .uniqueArray(entry, { maxLength: 8, selector: (one) => Buffer.from(one.name).toString('hex') })
  .map((entries) => entries.sort((left, right) => Buffer.compare(left.name, right.name)));

function encode(entries: readonly TreeEntry[]): Buffer {
  const encoder = new TreeEncoder();
  return Buffer.concat([encoder.start(), ...entries.map((one) => encoder.encode(one))]);
}

function decode(bytes: Uint8Array, pieceBytes = Number.MAX_SAFE_INTEGER): TreeEntry[] {
  const decoder = new TreeDecoder();
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    entries.push(...decoder.push(bytes.subarray(at, at + pieceBytes)));
  decoder.end();
  return entries;
}

function refusal(bytes: Uint8Array): string {
  try {
    decode(bytes);
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

const plain = (entries: readonly TreeEntry[]) =>
  entries.map((one) => ({
    ...one,
    name: Buffer.from(one.name).toString('hex'),
    ...(one.type === 'symlink' && { linkTarget: Buffer.from(one.linkTarget).toString('hex') }),
  }));

describe('the stored form of a directory', () => {
  it('has this text', () => {
    const common = { mode: 0o644, mtimeNs: -1n, uid: 1, gid: 2 };
    const bytes = encode([
      { ...common, name: Buffer.from('a"é'), type: 'file', sizeBytes: 5, content: [ID] },
      { ...common, name: Buffer.from('b'), type: 'dir', subtree: [ID] },
      { ...common, name: Buffer.from([0xff]), type: 'symlink', linkTarget: Buffer.from([0xfe]) },
    ]);
    const rest = '"mode":420,"mtimeNs":"-1","uid":1,"gid":2';
    expect(bytes.toString()).toBe(
      `${HEADER}{"name":"a\\"é","type":"file",${rest},"size":5,"content":["${ID}"]}\n` +
        `{"name":"b","type":"dir",${rest},"subtree":["${ID}"]}\n` +
        `{"nameBase64":"_w","type":"symlink",${rest},"linkTargetBase64":"_g"}\n`,
    );
  });

  it('gives every tree back, in pieces of any length', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 1, max: 300 }), (entries, pieceBytes) => {
        expect(plain(decode(encode(entries), pieceBytes))).toEqual(plain(entries));
      }),
    );
  });

  it('accepts only its own bytes: what parses after a mutation encodes to the mutated bytes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        tree,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('set', 'insert', 'delete'),
        (entries, place, byte, how) => {
          const bytes = encode(entries);
          const at = place % bytes.length;
          const mutated = Buffer.concat([
            bytes.subarray(0, at),
            how === 'delete' ? Buffer.alloc(0) : Buffer.from([byte]),
            bytes.subarray(how === 'insert' ? at : at + 1),
          ]);
          if (refusal(mutated) !== 'accepted') return;
          accepted += 1;
          expect(encode(decode(mutated)).equals(mutated)).toBe(true);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  const file = `"mode":420,"mtimeNs":"1","uid":1,"gid":2,"size":5,"content":["${ID}"]}`;
  it.each([
    ['an unknown member', `{"name":"a","type":"file",${file.replace('}', ',"x":1}')}`],
    ['a doubled member', `{"name":"a","name":"a","type":"file",${file}`],
    ['another order of members', `{"type":"file","name":"a",${file}`],
    ['a space', `{"name": "a","type":"file",${file}`],
    ['an escape that is not needed', `{"name":"\\u0061","type":"file",${file}`],
    ['half of a surrogate pair', `{"name":"\\ud800","type":"file",${file}`],
    ['no name', `{"type":"file",${file}`],
    ['an empty name', `{"name":"","type":"file",${file}`],
    ['two names', `{"name":"a","nameBase64":"YQ","type":"file",${file}`],
    ['base64 of a name that is UTF-8', `{"nameBase64":"YQ","type":"file",${file}`],
    ['stray bits in base64', `{"nameBase64":"_x","type":"file",${file}`],
    ['a name of 1,025 bytes', `{"name":"${'é'.repeat(512)}a","type":"file",${file}`],
    ['another type', `{"name":"a","type":"socket",${file}`],
    ['content and contentOf', `{"name":"a","type":"file",${file.replace('}', `,"contentOf":["${ID}"]}`)}`],
    ['neither content nor contentOf', `{"name":"a","type":"file",${file.replace(/,"content".*/, '}')}`],
    ['bytes without chunks', `{"name":"a","type":"file",${file.replace(`"${ID}"`, '')}`],
    ['chunks without bytes', `{"name":"a","type":"file",${file.replace('"size":5', '"size":0')}`],
    ['a negative size', `{"name":"a","type":"file",${file.replace('"size":5', '"size":-5')}`],
    ['a size beyond exact numbers', `{"name":"a","type":"file",${file.replace('"size":5', '"size":9007199254740993')}`],
    ['a chunk id of 31 bytes', `{"name":"a","type":"file",${file.replace(ID, ID.slice(1))}`],
    ['more permission bits than twelve', `{"name":"a","type":"file",${file.replace('420', '4096')}`],
    ['a time with a leading zero', `{"name":"a","type":"file",${file.replace('"1"', '"01"')}`],
    ['a time of minus zero', `{"name":"a","type":"file",${file.replace('"1"', '"-0"')}`],
    ['a prototype member', `{"__proto__":{},"name":"a","type":"file",${file}`],
    ['no JSON', 'hello'],
    ['an empty line', ''],
    ['a carriage return', `{"name":"a","type":"file",${file}\r`],
  ])('refuses %s', (_what, line) => {
    expect(refusal(Buffer.from(`${HEADER}${line}\n`))).toBe('snapshot_damaged');
  });

  it('accepts the line that the refused ones vary', () => {
    expect(refusal(Buffer.from(`${HEADER}{"name":"a","type":"file",${file}\n`))).toBe('accepted');
  });

  it.each([
    ['a later version', '{"peerkeep":"tree","version":2,"more":true}\n', 'format_unsupported'],
    ['version 0', '{"peerkeep":"tree","version":0}\n', 'snapshot_damaged'],
    ['another document', '{"peerkeep":"snapshot","version":1}\n', 'snapshot_damaged'],
    ['no bytes', '', 'snapshot_damaged'],
    ['half a line', `${HEADER}{"name"`, 'snapshot_damaged'],
    ['a line without end', `${HEADER}${'x'.repeat(TREE_LINE_BYTES_MAX + 1)}`, 'snapshot_damaged'],
    ['equal names', `${HEADER}${`{"name":"a","type":"file",${file}\n`.repeat(2)}`, 'snapshot_damaged'],
    [
      'falling names',
      `${HEADER}{"name":"b","type":"file",${file}\n{"name":"a","type":"file",${file}\n`,
      'snapshot_damaged',
    ],
  ])('refuses %s', (_what, text, code) => {
    expect(refusal(Buffer.from(text))).toBe(code);
  });

  it('refuses an endless line before it is whole', () => {
    const decoder = new TreeDecoder();
    decoder.push(Buffer.from(HEADER));
    const piece = Buffer.alloc(64 * 1024, 0x20);
    const pushUntilRefused = () => {
      for (let i = 0; i < 9; i++) decoder.push(piece);
    };
    expect(pushUntilRefused).toThrowError(expect.objectContaining({ code: 'snapshot_damaged' }));
  });

  it('keeps hostile names, which only the restore judges', () => {
    for (const name of ['..', '.', 'a/b', '/etc', 'a\u0000b']) {
      const entries: TreeEntry[] = [
        {
          name: Buffer.from(name),
          type: 'symlink',
          linkTarget: Buffer.from('x'),
          mode: 0,
          mtimeNs: 0n,
          uid: 0,
          gid: 0,
        },
      ];
      expect(plain(decode(encode(entries)))).toEqual(plain(entries));
    }
  });

  it('refuses to encode entries out of order', () => {
    const encoder = new TreeEncoder();
    const common = { type: 'dir' as const, subtree: [ID], mode: 0, mtimeNs: 0n, uid: 0, gid: 0 };
    encoder.encode({ ...common, name: Buffer.from('b') });
    expect(() => encoder.encode({ ...common, name: Buffer.from('a') })).toThrow();
  });
});

describe('the id list of a very long file', () => {
  it('comes back from pieces of any length', () => {
    fc.assert(
      fc.property(fc.array(chunkId, { maxLength: 20 }), fc.integer({ min: 1, max: 100 }), (list, pieceBytes) => {
        const bytes = encodeChunkIdList(list);
        const decoder = new ChunkIdListDecoder();
        const back: string[] = [];
        for (let at = 0; at < bytes.length; at += pieceBytes)
          back.push(...decoder.push(bytes.subarray(at, at + pieceBytes)));
        decoder.end();
        expect(back).toEqual(list);
      }),
    );
  });

  it('refuses to end inside an id', () => {
    const decoder = new ChunkIdListDecoder();
    decoder.push(new Uint8Array(33));
    expect(() => decoder.end()).toThrowError(expect.objectContaining({ code: 'snapshot_damaged' }));
  });
});

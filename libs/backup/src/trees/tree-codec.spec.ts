// The stream of directory entries: round trips, one text per entry, pieces of any length, refusals by code.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url, isRefusal } from '#protocol';
import { ChunkIdListDecoder, encodeChunkIdList } from './chunk-id-text.js';
import { TreeDecoder, TreeEncoder, type TreeEntry } from './tree-codec.js';
import { TREE_LINE_BYTES_MAX, XATTRS_MAX } from './tree-limits.js';

const HEADER = '{"peerkeep":"tree","version":2}\n';
const HEADER_V1 = '{"peerkeep":"tree","version":1}\n';
const ID = encodeBase64url(new Uint8Array(32).fill(7));

const chunkId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(encodeBase64url);
const anyBytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength }),
    fc
      .string({ unit: 'binary', minLength: 1, maxLength: maxLength / 4 })
      .map((text) => new Uint8Array(Buffer.from(text))),
  );
const timeNs = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
const xattrs = fc
  .uniqueArray(
    fc.record({
      name: anyBytes(255).map((name) => name.map((byte) => byte || 1)),
      value: fc.uint8Array({ maxLength: 90 }),
    }),
    { minLength: 1, maxLength: 4, selector: ({ name }) => Buffer.from(name).toString('hex') },
  )
  .map((list) => list.sort((left, right) => Buffer.compare(left.name, right.name)));
const least = {
  name: anyBytes(255),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeNs: timeNs,
  uid: fc.nat(2 ** 31 - 1),
  gid: fc.nat(2 ** 31 - 1),
};
/** What an entry may have since version 2, all of it or none. */
const more = { xattrs };
const moreOfFile = {
  xattrs,
  ctimeNs: timeNs,
  inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  hardLink: fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat()).map((numbers) => numbers.join(':')),
};
const ids = fc.array(chunkId, { minLength: 1, maxLength: 5 });
const fileSize = fc.integer({ min: 1, max: 2 ** 53 - 1 });
const typed = <Type extends TreeEntry['type']>(type: Type) => fc.constant(type);
const ofV1: readonly fc.Arbitrary<TreeEntry>[] = [
  fc.record({ ...least, type: typed('file'), sizeBytes: fileSize, content: ids }),
  fc.record({ ...least, type: typed('file'), sizeBytes: fileSize, contentOf: ids }),
  fc.record({ ...least, type: typed('file'), sizeBytes: fc.constant(0), content: fc.constant([]) }),
  fc.record({ ...least, type: typed('dir'), subtree: ids }),
  fc.record({ ...least, type: typed('symlink'), linkTarget: anyBytes(4095) }),
];
const device = fc.record({ major: fc.nat(2 ** 31 - 1), minor: fc.nat(2 ** 31 - 1) });
const ofV2: readonly fc.Arbitrary<TreeEntry>[] = [
  ...ofV1,
  fc.record({ ...least, ...moreOfFile, type: typed('file'), sizeBytes: fileSize, content: ids }),
  fc.record({ ...least, ...more, type: typed('dir'), subtree: ids }),
  fc.record({ ...least, ...more, type: typed('symlink'), linkTarget: anyBytes(4095) }),
  fc.record({ ...least, ...more, type: fc.constantFrom('fifo' as const, 'socket' as const) }),
  fc.record({ ...least, type: fc.constantFrom('chardev' as const, 'blockdev' as const), device }),
];
const treeOf = (kinds: readonly fc.Arbitrary<TreeEntry>[]) =>
  fc
    .uniqueArray(fc.oneof(...kinds), { maxLength: 8, selector: (one) => Buffer.from(one.name).toString('hex') })
    .map((entries) => entries.sort((left, right) => Buffer.compare(left.name, right.name)));
const tree = treeOf(ofV2);

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
    ...(one.xattrs !== undefined && {
      xattrs: one.xattrs.map(({ name, value }) => [name, value].map((bytes) => Buffer.from(bytes).toString('hex'))),
    }),
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

  it('has this text for what version 2 brought', () => {
    const common = { mode: 0o644, mtimeNs: -1n, uid: 1, gid: 2 };
    const bytes = encode([
      {
        ...common,
        name: Buffer.from('a'),
        type: 'file',
        sizeBytes: 5,
        contentOf: [ID],
        ctimeNs: -7n,
        inode: 18446744073709551615n,
        hardLink: '66305:12',
        xattrs: [
          { name: Buffer.from('user.é"'), value: Buffer.from([0xff, 0]) },
          { name: Buffer.from('user.\xff', 'latin1'), value: Buffer.alloc(0) },
        ],
      },
      { ...common, name: Buffer.from('b'), type: 'blockdev', device: { major: 8, minor: 4294967295 } },
      { ...common, name: Buffer.from('c'), type: 'chardev', device: { major: 0, minor: 0 } },
      { ...common, name: Buffer.from('f'), type: 'fifo' },
      {
        ...common,
        name: Buffer.from('s'),
        type: 'socket',
        xattrs: [{ name: Buffer.from('x'), value: Buffer.from('y') }],
      },
    ]);
    const rest = '"mode":420,"mtimeNs":"-1","uid":1,"gid":2';
    expect(bytes.toString()).toBe(
      `${HEADER}{"name":"a","type":"file",${rest},"xattrs":[{"name":"user.é\\"","value":"_wA"},` +
        `{"nameBase64":"dXNlci7_","value":""}],"size":5,"contentOf":["${ID}"],"ctimeNs":"-7",` +
        `"inode":"18446744073709551615","hardLink":"66305:12"}\n` +
        `{"name":"b","type":"blockdev",${rest},"device":{"major":8,"minor":4294967295}}\n` +
        `{"name":"c","type":"chardev",${rest},"device":{"major":0,"minor":0}}\n` +
        `{"name":"f","type":"fifo",${rest}}\n` +
        `{"name":"s","type":"socket",${rest},"xattrs":[{"name":"x","value":"eQ"}]}\n`,
    );
  });

  it('is read as version 1 wrote it', () => {
    fc.assert(
      fc.property(treeOf(ofV1), (entries) => {
        const v1 = Buffer.concat([Buffer.from(HEADER_V1), encode(entries).subarray(HEADER.length)]);
        expect(plain(decode(v1))).toEqual(plain(entries));
      }),
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
    ['another type', `{"name":"a","type":"door",${file}`],
    ['a type of another size', `{"name":"a","type":"socket",${file}`],
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

  const of = (members: string, type = 'fifo') =>
    `{"name":"a","type":"${type}","mode":420,"mtimeNs":"1","uid":1,"gid":2${members}}`;
  const xattr = (name: string, value = 'eA') => `{"name":"${name}","value":"${value}"}`;
  const inFile = (members: string) => `{"name":"a","type":"file",${file.replace('}', `,${members}}`)}`;
  const addedByV2: readonly (readonly [string, string])[] = [
    ['an attribute', of(`,"xattrs":[${xattr('b')},${xattr('c')}]`)],
    ['a device', of(',"device":{"major":1,"minor":3}', 'chardev')],
    ['a time of change', inFile('"ctimeNs":"1"')],
    ['an inode', inFile('"inode":"1"')],
    ['a hard link', inFile('"hardLink":"1:2"')],
    ['a FIFO', of('')],
  ];
  it.each(addedByV2)('takes %s, which version 1 refuses', (_what, line) => {
    expect(refusal(Buffer.from(`${HEADER}${line}\n`))).toBe('accepted');
    expect(refusal(Buffer.from(`${HEADER_V1}${line}\n`))).toBe('snapshot_damaged');
  });

  it.each([
    ['an empty list of attributes', of(',"xattrs":[]')],
    ['attributes out of order', of(`,"xattrs":[${xattr('c')},${xattr('b')}]`)],
    ['an attribute twice', of(`,"xattrs":[${xattr('b')},${xattr('b')}]`)],
    ['an attribute without a name', of(',"xattrs":[{"value":"eA"}]')],
    ['an attribute with an empty name', of(`,"xattrs":[${xattr('')}]`)],
    ['an attribute with a NUL in its name', of(`,"xattrs":[${xattr('b\\u0000')}]`)],
    ['an attribute name of 256 bytes', of(`,"xattrs":[${xattr('b'.repeat(256))}]`)],
    ['a value above 64 KiB', of(`,"xattrs":[${xattr('b', 'A'.repeat(87_384))}]`)],
    ['a value that is no base64url', of(`,"xattrs":[${xattr('b', 'e+')}]`)],
    ['stray bits in a value', of(`,"xattrs":[${xattr('b', 'eB')}]`)],
    [
      'values of more than 256 KiB together',
      of(`,"xattrs":[${['a', 'b', 'c', 'd', 'e'].map((name) => xattr(name, 'A'.repeat(87_380))).join()}]`),
    ],
    [
      'too many attributes',
      of(`,"xattrs":[${Array.from({ length: XATTRS_MAX + 1 }, (_, i) => xattr(`${1_000 + i}`)).join()}]`),
    ],
    ['a device without numbers', of('', 'chardev')],
    ['a device of no 32 bits', of(',"device":{"major":4294967296,"minor":3}', 'blockdev')],
    ['a FIFO with numbers', of(',"device":{"major":1,"minor":3}')],
    ['an inode of 65 bits', inFile('"inode":"18446744073709551616"')],
    ['a negative inode', inFile('"inode":"-1"')],
    ['an inode before the time of change', inFile('"inode":"1","ctimeNs":"1"')],
    ['a hard link without a device', inFile('"hardLink":"12"')],
    ['a hard link with a leading zero', inFile('"hardLink":"1:012"')],
    ['a folder with an inode', of(`,"subtree":["${ID}"],"inode":"1"`, 'dir')],
  ])('refuses %s', (_what, line) => {
    expect(refusal(Buffer.from(`${HEADER}${line}\n`))).toBe('snapshot_damaged');
  });

  it('accepts the line that the refused ones vary', () => {
    expect(refusal(Buffer.from(`${HEADER}{"name":"a","type":"file",${file}\n`))).toBe('accepted');
  });

  it.each([
    ['a later version', '{"peerkeep":"tree","version":3,"more":true}\n', 'format_unsupported'],
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
    const piece = Buffer.alloc(TREE_LINE_BYTES_MAX / 8, 0x20);
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

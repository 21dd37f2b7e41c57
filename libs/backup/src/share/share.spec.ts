// F3: what is shared by a link opens whole under its key, and not at all when anything about it was changed.
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decodeShareHeader,
  encodeBase64url,
  encodeShareHeader,
  isRefusal,
  SHARE_FILE_BYTES_MAX,
  SHARE_HEAD_BYTES,
  SHARE_HEADER_PLAIN_BYTES,
  SHARE_NAME_BYTES_MAX,
  SHARE_PIECE_BYTES,
  SHARE_TAG_BYTES,
  sealedPieceRange,
  sealedShareBytes,
} from '#protocol';
import { openShareHead, openSharePieces } from './open-share.js';
import { type ShareSecret, sealShare } from './seal-share.js';
import { ShareFolder, type ShareOrder } from './share-folder.js';
import { SHARES_MAX } from './share-limits.js';
import { formatShareLink, parseShareLink } from './share-link.js';

const SEALED_PIECE_BYTES = SHARE_PIECE_BYTES + SHARE_TAG_BYTES;
const newSecret = (): ShareSecret => ({ id: randomBytes(16), key: randomBytes(32) });

async function* inSteps(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += step) yield bytes.subarray(start, start + step);
}

async function joined(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(Uint8Array.from(part));
  return Buffer.concat(all);
}

const seal = (secret: ShareSecret, bytes: Uint8Array, step = 70_001, name = 'a.txt'): Promise<Buffer> =>
  joined(sealShare(secret, { name, modifiedMs: 5, sizeBytes: bytes.length }, inSteps(bytes, step)));

/** What a receiver gets of a sealed file: its bytes, or the code of the refusal. */
async function opened(secret: ShareSecret, sealed: Uint8Array, step = 50_021): Promise<Buffer | string> {
  try {
    const { sizeBytes } = openShareHead(secret, sealed.subarray(0, SHARE_HEAD_BYTES));
    return await joined(openSharePieces(secret, sizeBytes, inSteps(sealed.subarray(SHARE_HEAD_BYTES), step)));
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
}

describe('a sealed file', () => {
  const sizes = [0, 1, SHARE_PIECE_BYTES - 1, SHARE_PIECE_BYTES, SHARE_PIECE_BYTES + 1, 3 * SHARE_PIECE_BYTES + 77];

  it.each(sizes)('of %i bytes comes back, and is as long as it says', async (size) => {
    const secret = newSecret();
    const bytes = randomBytes(size);
    const sealed = await seal(secret, bytes);
    expect(sealed.length).toBe(sealedShareBytes(size));
    expect(bytes.equals((await opened(secret, sealed)) as Buffer)).toBe(true);
    expect(openShareHead(secret, sealed.subarray(0, SHARE_HEAD_BYTES))).toEqual({
      name: 'a.txt',
      modifiedMs: 5,
      sizeBytes: size,
    });
  });

  it('is the same however its bytes arrive, at both ends', async () => {
    const secret = newSecret();
    const bytes = randomBytes(SHARE_PIECE_BYTES + 5_000);
    const sealed = await seal(secret, bytes, 100_000);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1_000, max: 400_000 }), async (step) => {
        expect(sealed.equals(await seal(secret, bytes, step))).toBe(true);
        expect(bytes.equals((await opened(secret, sealed, step)) as Buffer)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('does not open when a bit of it is another', async () => {
    const secret = newSecret();
    const sealed = await seal(secret, randomBytes(SHARE_PIECE_BYTES + 9));
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
        const changed = Buffer.from(sealed);
        changed[at]! ^= 1 << bit;
        expect(['share_damaged', 'share_key_wrong']).toContain(await opened(secret, changed));
      }),
      {
        numRuns: 150,
        examples: [
          [0, 0],
          [8, 7],
          [15, 0],
          [16, 0],
          [SHARE_HEAD_BYTES - 1, 0],
          [SHARE_HEAD_BYTES, 0],
        ],
      },
    );
  });

  it('does not open when pieces are cut off, put elsewhere, repeated, or of another share', async () => {
    const secret = newSecret();
    const bytes = randomBytes(3 * SHARE_PIECE_BYTES);
    const sealed = await seal(secret, bytes);
    const head = sealed.subarray(0, SHARE_HEAD_BYTES);
    const [a, b, c] = [0, 1, 2].map((index) => {
      const { start, end } = sealedPieceRange(index, bytes.length);
      return sealed.subarray(start, end);
    }) as [Buffer, Buffer, Buffer];
    const other = await seal(newSecret(), bytes);
    const shorter = await seal(secret, bytes.subarray(0, 2 * SHARE_PIECE_BYTES));
    const foreign = other.subarray(SHARE_HEAD_BYTES, SHARE_HEAD_BYTES + SEALED_PIECE_BYTES);
    const cases = {
      'the last is missing': [head, a, b],
      'the last is cut': [head, a, b, c.subarray(0, -1)],
      'none is there': [head],
      'two are swapped': [head, b, a, c],
      'one is there twice': [head, a, a, c],
      'something follows': [head, a, b, c, Buffer.of(0)],
      'one of another share': [head, foreign, b, c],
      'the head of a shorter file': [shorter.subarray(0, SHARE_HEAD_BYTES), a, b],
    };
    for (const [what, parts] of Object.entries(cases)) {
      expect(await opened(secret, Buffer.concat(parts)), what).toBe('share_damaged');
    }
    expect(await opened(newSecret(), sealed)).toBe('share_key_wrong');
    expect(await opened({ ...secret, id: randomBytes(16) }, sealed)).toBe('share_key_wrong');
  });
});

describe('the header', () => {
  it('holds any name, of one length, as one step of a path', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.nat(), (name, modifiedMs) => {
        const bytes = encodeShareHeader({ name, modifiedMs });
        expect(bytes.length).toBe(SHARE_HEADER_PLAIN_BYTES);
        const header = decodeShareHeader(bytes)!;
        expect(header.modifiedMs).toBe(modifiedMs);
        expect(header.name).toMatch(/^[^/\\\p{Cc}\u202a-\u202e\u2066-\u2069]+$/u);
        expect(Buffer.byteLength(header.name)).toBeLessThanOrEqual(SHARE_NAME_BYTES_MAX);
        expect(['.', '..']).not.toContain(header.name);
      }),
    );
    const name = 'Ünï côde 🎈 "100%".txt';
    expect(decodeShareHeader(encodeShareHeader({ name, modifiedMs: 1 }))?.name).toBe(name);
    expect(decodeShareHeader(encodeShareHeader({ name: 'exe\u202egpj.a', modifiedMs: 1 }))?.name).toBe('exe_gpj.a');
  });

  it('is refused when it is none', () => {
    for (const text of ['', '{}', 'null', '[]', '{"name":"","modifiedMs":1}', '{"name":"a"}', '\xff']) {
      expect(decodeShareHeader(Buffer.from(text, 'latin1')), text).toBeNull();
    }
  });
});

describe('a link', () => {
  it('comes back as what it was made of, and is refused when it is not whole', () => {
    const link = { origin: 'https://attic.peers.example', ...newSecret() };
    const text = formatShareLink(link);
    const parsed = parseShareLink(text);
    expect([parsed.origin, encodeBase64url(parsed.id), encodeBase64url(parsed.key)]).toEqual([
      link.origin,
      encodeBase64url(link.id),
      encodeBase64url(link.key),
    ]);
    for (const wrong of ['', text.slice(0, -1), text.replace('#', '?'), text.replace('/s/', '/t/'), `${text}A`]) {
      expect(() => parseShareLink(wrong), wrong).toThrow(expect.objectContaining({ code: 'share_link_invalid' }));
    }
  });
});

describe('the folder of shares', () => {
  let home: string;
  let shares: ShareFolder;
  const NOW_MS = 1_000_000;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'peerkeep-shares-'));
    shares = new ShareFolder(home);
  });
  afterEach(() => rm(home, { recursive: true }));

  const order = (change: Partial<ShareOrder> = {}): ShareOrder => ({
    name: 'a.txt',
    snapshotId: 's',
    path: '/a.txt',
    sizeBytes: 3,
    modifiedMs: 1,
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 1_000,
    downloadsMax: 2,
    ...change,
  });
  const create = (change: Partial<ShareOrder> = {}, content = Buffer.from('abc')) =>
    shares.create(newSecret(), order(change), inSteps(content, 2));

  it('keeps what is sealed, and neither its key nor its bytes', async () => {
    const secret = newSecret();
    const { id } = await shares.create(secret, order(), inSteps(Buffer.from('abc'), 1));
    const found = (await shares.find(id))!;
    expect(found).toMatchObject({ id, name: 'a.txt', downloadsMax: 2 });
    const whole = { start: 0, end: sealedShareBytes(3) };
    const sealed = await joined(shares.readSealed(id, whole));
    expect(await opened(secret, sealed)).toEqual(Buffer.from('abc'));
    expect((await joined(shares.readSealed(id, { start: 20, end: 30 }))).equals(sealed.subarray(20, 30))).toBe(true);
    for (const name of await readdir(join(home, 'shares', id))) {
      const bytes = await readFile(join(home, 'shares', id, name));
      expect(bytes.includes(Buffer.from(secret.key))).toBe(false);
      expect(bytes.includes(encodeBase64url(secret.key))).toBe(false);
    }
  });

  it('lists them in order, and forgets what is withdrawn or has ended', async () => {
    const first = await create({ createdAtMs: NOW_MS - 2, expiresAtMs: NOW_MS + 10_000 });
    const second = await create();
    expect((await shares.list()).map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(await shares.remove(first.id)).toBe(true);
    expect(await shares.remove(first.id)).toBe(false);
    expect(await shares.find(first.id)).toBeNull();
    expect(await shares.removeEnded(NOW_MS + 999)).toBe(0);
    expect(await shares.removeEnded(NOW_MS + 1_000)).toBe(1);
    expect(await readdir(join(home, 'shares'))).toEqual([]);
  });

  it('finds nothing by what is no id', async () => {
    await create();
    for (const id of ['', '.', '..', '../..', 'share.json', encodeBase64url(randomBytes(15))]) {
      expect([await shares.find(id), await shares.remove(id)], id).toEqual([null, false]);
    }
  });

  it('leaves nothing of a share that failed', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a');
      throw new Error('lost');
    }
    await expect(shares.create(newSecret(), order(), failing())).rejects.toThrow('lost');
    await expect(create({ sizeBytes: 4 })).rejects.toThrow();
    expect(await readdir(join(home, 'shares'))).toEqual([]);
  });

  it('refuses a file that is too large, and more shares than a home may have', async () => {
    await expect(create({ sizeBytes: SHARE_FILE_BYTES_MAX + 1 })).rejects.toMatchObject({ code: 'usage' });
    const { id } = await create();
    for (let i = 1; i < SHARES_MAX; i++) {
      await cp(join(home, 'shares', id), join(home, 'shares', encodeBase64url(randomBytes(16))), { recursive: true });
    }
    await expect(create()).rejects.toMatchObject({ code: 'shares_full' });
    // What has ended gives its place to others.
    await create({ createdAtMs: NOW_MS + 1_000, expiresAtMs: NOW_MS + 2_000 });
  });

  it('says so when what is known of a share is damaged', async () => {
    const { id } = await create();
    await writeFile(join(home, 'shares', id, 'share.json'), '{');
    await expect(shares.find(id)).rejects.toMatchObject({ code: 'home_corrupt' });
  });
});

// Checks of what every backup computes with on this machine: known answers of the standards, and round trips.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { ReedSolomon, splitObject } from '#erasure';
import { contentIdOf, decodeHex, encodeHex, hkdfSha256, nobleSuite, nodeSuite, type ObjectId, uuidV7 } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import { expandGearTable, findChunkEnd } from '../chunking/fastcdc.js';
import { deriveDataKeys } from '../keys.js';
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from '../limits.js';
import { ObjectBuilder } from '../objects/object-builder.js';
import { objectKeyOf, openChunk, openObject } from '../objects/open-object.js';

/** `run` throws when something is wrong, and returns what is worth telling. */
export interface SelfCheck {
  readonly name: string;
  run(): string | Promise<string>;
}

const MiB = 1024 * 1024;

export const LOCAL_CHECKS: readonly SelfCheck[] = [
  { name: 'known answers', run: knownAnswers },
  { name: 'two implementations agree', run: suitesAgree },
  { name: 'seal and open', run: sealAndOpen },
  { name: 'erasure code', run: everyLossIsMended },
  { name: 'chunker', run: chunkBoundaries },
];

/** sources   FIPS 180-4 (SHA-256 of "abc"), RFC 4231 §4.3 (HMAC), RFC 5869 A.1 (HKDF), BEP 52 (content id of one block) */
function knownAnswers(): string {
  for (const suite of [nodeSuite, nobleSuite]) {
    assert.equal(
      encodeHex(suite.sha256(Buffer.from('abc'))),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    assert.equal(
      encodeHex(suite.hmacSha256(Buffer.from('Jefe'))(Buffer.from('what do ya want for nothing?'))),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  }
  const inputKey = Buffer.alloc(22, 0x0b);
  const [salt, info] = [decodeHex('000102030405060708090a0b0c')!, decodeHex('f0f1f2f3f4f5f6f7f8f9')!];
  assert.equal(
    encodeHex(hkdfSha256(nodeSuite, { inputKey, salt, info, lengthBytes: 42 })),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  assert.equal(
    Buffer.from(contentIdOf(Buffer.from('abc')), 'base64url').toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  return 'SHA-256, HMAC, HKDF and content ids are as the standards say';
}

function suitesAgree(): string {
  const [key, counter, nonce, data] = [randomBytes(32), randomBytes(16), randomBytes(12), randomBytes(10_000)];
  const both = [nodeSuite, nobleSuite].map((suite) => ({
    ctr: suite.aes256Ctr(key, counter, data),
    sealed: suite.aes256GcmSivSeal(key, nonce, counter, data),
  }));
  assert.deepEqual(Buffer.from(both[0]!.ctr), Buffer.from(both[1]!.ctr));
  assert.deepEqual(Buffer.from(both[0]!.sealed), Buffer.from(both[1]!.sealed));
  return 'AES of the system and of the library give the same bytes';
}

function sealAndOpen(): string {
  const keys = deriveDataKeys(randomBytes(32));
  const objectId = uuidV7<ObjectId>(Date.now(), randomBytes(10));
  const builder = new ObjectBuilder(keys, 'data', randomBytes);
  const plaintexts = [randomBytes(MiB), Buffer.alloc(MiB, 'text '), Buffer.of(1)];
  for (const plaintext of plaintexts) builder.add(identifyChunk(keys.chunkIdKey, plaintext));
  const { bytes } = builder.seal(objectId);
  const key = objectKeyOf(keys, objectId, bytes);
  const opened = openObject(key, bytes).entries.map((entry) => openChunk(keys, key, bytes, entry).toString('latin1'));
  assert.deepEqual(new Set(opened), new Set(plaintexts.map((plaintext) => plaintext.toString('latin1'))));
  const damaged = Buffer.from(bytes);
  damaged[100]! ^= 1;
  assert.throws(() => openObject(key, damaged).entries.map((entry) => openChunk(keys, key, damaged, entry)));
  return 'what is sealed opens again, and one wrong bit is found';
}

/** Every choice of two of six lost: 15 ways. */
function everyLossIsMended(): string {
  const [dataShards, totalShards] = [4, 6];
  const data = splitObject(randomBytes(MiB), dataShards);
  const parity = [Buffer.alloc(data[0]!.length), Buffer.alloc(data[0]!.length)];
  const code = new ReedSolomon(dataShards, totalShards);
  code.encode(data, parity);
  const shards = [...data, ...parity];
  let ways = 0;
  for (let first = 0; first < totalShards; first++) {
    for (let second = first + 1; second < totalShards; second++, ways++) {
      const left = shards.map((shard, i) => (i === first || i === second ? null : shard));
      const rebuilt = code.reconstruct(left, [first, second]);
      assert(Buffer.compare(rebuilt[0]!, shards[first]!) === 0 && Buffer.compare(rebuilt[1]!, shards[second]!) === 0);
    }
  }
  return `all ${ways} ways to lose two of six shards are mended`;
}

function chunkBoundaries(): string {
  const bytes = randomBytes(16 * MiB);
  const gear = expandGearTable(randomBytes(32));
  const ends = new Set<number>();
  for (let at = 0; at < bytes.length; ) {
    const end = findChunkEnd(gear, bytes, at, bytes.length);
    assert(end - at <= CHUNK_BYTES_MAX && (end - at >= CHUNK_BYTES_MIN || end === bytes.length));
    ends.add(end);
    at = end;
  }
  // A byte put in front moves every boundary by one but the first few.
  const moved = Buffer.concat([Buffer.of(7), bytes]);
  let met = 0;
  for (let at = 0; at < moved.length; ) {
    at = findChunkEnd(gear, moved, at, moved.length);
    if (ends.has(at - 1)) met++;
  }
  assert(met * 2 > ends.size);
  return `${met} of ${ends.size} boundaries found again after an insertion`;
}

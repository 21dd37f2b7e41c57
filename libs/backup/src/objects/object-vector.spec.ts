// The golden object: our code opens and rebuilds it, and so does a second, tiny reader on another cryptography library.
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gcm } from '@noble/ciphers/aes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { decompress as decompressZstd } from 'zstd-napi';
import { encodeHex, type ObjectId, utf8 } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import { deriveDataKeys } from '../keys.js';
import { ObjectBuilder } from './object-builder.js';
import type { ObjectKind } from './object-codec.js';
import { objectKeyOf, openChunk, openObject } from './open-object.js';

interface Vector {
  readonly masterKey: string;
  readonly randomKey: string;
  readonly objectId: ObjectId;
  readonly kind: ObjectKind;
  readonly added: readonly string[];
  readonly entries: readonly { chunkId: string; offset: number; storedBytes: number; rawBytes: number }[];
  readonly bytes: string;
}

const vector: Vector = JSON.parse(readFileSync(new URL('../../vectors/object-v1.json', import.meta.url), 'utf8'));
const bytes = Buffer.from(vector.bytes, 'base64');
const keys = deriveDataKeys(Buffer.from(vector.masterKey, 'hex'));

/** Reads an object as its documentation says, sharing no code with it. Returns the plaintexts by chunk id. */
function tinyReader(masterKey: Uint8Array, objectId: string, object: Buffer): Map<string, string> {
  const child = (ikm: Uint8Array, salt: Uint8Array, info: string) => hkdf(sha256, ikm, salt, utf8(info), 32);
  const empty = new Uint8Array(0);
  const label = `peerkeep/1/object/${objectId}`;
  const key = child(child(masterKey, empty, 'peerkeep/1/data/objects'), object.subarray(0, 32), label);
  const openAt = (part: string, counter: number, from: number, sizeBytes: number) => {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(counter, 8);
    return Buffer.from(gcm(key, nonce, utf8(`${label}/${part}`)).decrypt(object.subarray(from, from + sizeBytes)));
  };
  const header = openAt('header', 0, 32, 48);
  expect(header.toString('latin1', 0, 8)).toBe('PKOB\0\x01\x01\0');
  const directory = openAt('directory', 1, header.readUInt32BE(12), header.readUInt32BE(16));
  const chunkIdKey = child(masterKey, empty, 'peerkeep/1/data/chunk-id');
  const plaintexts = new Map<string, string>();
  for (let i = 0; i < header.readUInt32BE(8); i++) {
    const entry = directory.subarray(i * 44, i * 44 + 44);
    const opened = openAt('chunk', 2 + i, entry.readUInt32BE(32), entry.readUInt32BE(36));
    const plaintext = opened[0] === 0 ? opened.subarray(1) : decompressZstd(opened.subarray(1));
    expect(plaintext.length).toBe(entry.readUInt32BE(40));
    const chunkId = encodeHex(entry.subarray(0, 32));
    expect(encodeHex(hmac(sha256, chunkIdKey, plaintext))).toBe(chunkId);
    plaintexts.set(chunkId, plaintext.toString('utf8'));
  }
  return plaintexts;
}

describe('object version 1', () => {
  it('opens', () => {
    const key = objectKeyOf(keys, vector.objectId, bytes);
    const { kind, entries } = openObject(key, bytes);
    expect(kind).toBe(vector.kind);
    expect(entries.map((entry) => ({ ...entry, chunkId: encodeHex(entry.chunkId) }))).toEqual(
      vector.entries.map((entry, index) => ({ ...entry, index })),
    );
    const plaintexts = entries.map((entry) => openChunk(keys, key, bytes, entry).toString('utf8'));
    expect(plaintexts.sort()).toEqual([...vector.added].sort());
  });

  it('opens in the tiny reader', () => {
    const plaintexts = tinyReader(Buffer.from(vector.masterKey, 'hex'), vector.objectId, bytes);
    expect([...plaintexts.values()].sort()).toEqual([...vector.added].sort());
    expect([...plaintexts.keys()]).toEqual(vector.entries.map((entry) => entry.chunkId));
  });

  it('is built again from the same randomness, byte for byte', () => {
    const stream = createCipheriv('aes-256-ctr', Buffer.from(vector.randomKey, 'hex'), Buffer.alloc(16));
    const builder = new ObjectBuilder(keys, vector.kind, (length) => stream.update(Buffer.alloc(length)));
    for (const text of vector.added) builder.add(identifyChunk(keys.chunkIdKey, Buffer.from(text)));
    expect(builder.seal(vector.objectId).bytes.toString('base64')).toBe(vector.bytes);
  });
});

// HKDF (RFC 5869) over a suite's HMAC-SHA-256: the only way that one key comes from another.
import { strict as assert } from 'node:assert';
import { utf8 } from '../bytes.js';
import type { CryptoSuite } from './suite.js';

const HASH_BYTES = 32;
const EMPTY_SALT = new Uint8Array(HASH_BYTES);

/** RFC 5869 §2. An empty `salt` stands for 32 zero bytes (§2.2). At most 255 x 32 bytes. */
export function hkdfSha256(
  suite: CryptoSuite,
  input: { inputKey: Uint8Array; salt: Uint8Array; info: Uint8Array; lengthBytes: number },
): Uint8Array {
  assert(input.lengthBytes >= 1 && input.lengthBytes <= 255 * HASH_BYTES);
  const extract = suite.hmacSha256(input.salt.length === 0 ? EMPTY_SALT : input.salt);
  const expand = suite.hmacSha256(extract(input.inputKey));
  const output = new Uint8Array(Math.ceil(input.lengthBytes / HASH_BYTES) * HASH_BYTES);
  let block = new Uint8Array(0);
  for (let i = 0; i * HASH_BYTES < output.length; i++) {
    const message = new Uint8Array(block.length + input.info.length + 1);
    message.set(block);
    message.set(input.info, block.length);
    message[message.length - 1] = i + 1;
    block = new Uint8Array(expand(message));
    output.set(block, i * HASH_BYTES);
  }
  return output.subarray(0, input.lengthBytes);
}

/** A 32-byte child key for one purpose, named by an ASCII label; empty salt (SPEC §2). */
export function childKey(suite: CryptoSuite, parent: Uint8Array, label: string): Uint8Array {
  return hkdfSha256(suite, { inputKey: parent, salt: new Uint8Array(0), info: utf8(label), lengthBytes: HASH_BYTES });
}

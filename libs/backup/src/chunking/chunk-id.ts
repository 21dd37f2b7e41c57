// The id of a chunk: a keyed hash of its plaintext, so that equal chunks meet and nobody without the key can test a guess.
import { strict as assert } from 'node:assert';
import { createHmac } from 'node:crypto';
import { CHUNK_BYTES_MAX } from '../limits.js';

export const CHUNK_ID_BYTES = 32;

declare const identified: unique symbol;

/** A plaintext with its true id. Only identifyChunk makes one: a chunk stored under a wrong id could never be restored. */
export interface IdentifiedChunk {
  readonly [identified]: true;
  readonly chunkId: Uint8Array;
  readonly plaintext: Uint8Array;
}

/**
 * Name a chunk by HMAC-SHA-256(chunkIdKey, plaintext). Pure. The plaintext is not copied.
 *
 * plaintext   1 to CHUNK_BYTES_MAX bytes
 */
export function identifyChunk(chunkIdKey: Uint8Array, plaintext: Uint8Array): IdentifiedChunk {
  assert(plaintext.length > 0);
  assert(plaintext.length <= CHUNK_BYTES_MAX);
  const chunkId = createHmac('sha256', chunkIdKey).update(plaintext).digest();
  assert.equal(chunkId.length, CHUNK_ID_BYTES);
  return { chunkId, plaintext } as Omit<IdentifiedChunk, typeof identified> as IdentifiedChunk;
}

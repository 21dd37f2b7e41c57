// Chunk ids: RFC 4231 HMAC, and bounds.
import { describe, expect, it } from 'vitest';
import { encodeHex } from '#protocol';
import { CHUNK_BYTES_MAX } from '../limits.js';
import { identifyChunk } from './chunk-id.js';

describe('identifyChunk', () => {
  it('is HMAC-SHA-256, as RFC 4231 test case 2 has it', () => {
    const chunk = identifyChunk(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'));
    expect(encodeHex(chunk.chunkId)).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });

  it('does not name what cannot be a chunk', () => {
    const key = new Uint8Array(32);
    expect(() => identifyChunk(key, new Uint8Array(0))).toThrow();
    expect(() => identifyChunk(key, new Uint8Array(CHUNK_BYTES_MAX + 1))).toThrow();
  });
});

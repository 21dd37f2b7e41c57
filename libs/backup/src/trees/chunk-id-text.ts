// Chunk ids in JSON documents (base64url text), and the binary list of ids that a very long file keeps in chunks.
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { decodeBase64url, encodeBase64url } from '#protocol';
import { damaged } from './damaged.js';

export const CHUNK_ID_BYTES = 32;
export const CHUNK_ID_TEXT_CHARS = 43;

/** The one base64url text of 32 bytes: the last character carries four bits, so its two stray bits are zero. */
export const chunkIdText = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);

/**
 * Lay ids end to end, 32 bytes each, for a file whose entry says `contentOf`. Pure.
 *
 * ids       base64url texts of chunk ids, in file order
 * returns   32 * ids.length bytes, to be cut into chunks at any byte
 */
export function encodeChunkIdList(ids: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * CHUNK_ID_BYTES);
  for (const [position, id] of ids.entries()) {
    const idBytes = decodeBase64url(id);
    assert(idBytes !== null);
    assert.equal(idBytes.length, CHUNK_ID_BYTES);
    bytes.set(idBytes, position * CHUNK_ID_BYTES);
  }
  return bytes;
}

/** Reads an id list as it arrives, in pieces of any length; holds back less than one id. */
export class ChunkIdListDecoder {
  private rest = new Uint8Array(0);

  /** The ids, base64url, that are complete with these bytes. */
  push(bytes: Uint8Array): string[] {
    const joined = Buffer.concat([this.rest, bytes]);
    const wholeBytes = joined.length - (joined.length % CHUNK_ID_BYTES);
    const ids: string[] = [];
    for (let at = 0; at < wholeBytes; at += CHUNK_ID_BYTES) {
      ids.push(encodeBase64url(joined.subarray(at, at + CHUNK_ID_BYTES)));
    }
    this.rest = Uint8Array.from(joined.subarray(wholeBytes));
    return ids;
  }

  /** Say that no byte follows. throws snapshot_damaged inside an id */
  end(): void {
    if (this.rest.length > 0) throw damaged('chunk id list', 'cut inside an id');
  }
}

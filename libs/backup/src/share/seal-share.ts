// Seals a file anew for whoever has its link, piece by piece; the layout is share-format.ts's.
import { strict as assert } from 'node:assert';
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import {
  encodeShareHeader,
  KEY_BYTES,
  SHARE_HEADER_PLAIN_BYTES,
  SHARE_ID_BYTES,
  SHARE_KEY_BYTES,
  SHARE_KEY_LABELS,
  SHARE_PIECE_BYTES,
  SHARE_TAG_BYTES,
  type ShareHeader,
  type SharePart,
  shareAssociatedData,
  shareNonce,
  sharePrefix,
} from '#protocol';
import { gcmSealInto } from '../objects/aes-gcm.js';

/** What seals and opens one share. `id` is its 16 bytes, `key` the 32 bytes of its link; no two shares have the same. */
export interface ShareSecret {
  readonly id: Uint8Array;
  readonly key: Uint8Array;
}

/**
 * The sealed file, in parts of any size.
 *
 * content  exactly `sizeBytes` bytes
 * throws   what reading the content throws
 */
export async function* sealShare(
  secret: ShareSecret,
  { sizeBytes, ...header }: ShareHeader & { readonly sizeBytes: number },
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  yield Buffer.from(sharePrefix(sizeBytes));
  const headerKey = shareKeyOf(secret, 'header');
  yield sealPart({ secret: headerKey, index: 0, sizeBytes }, encodeShareHeader(header));
  const pieceKey = shareKeyOf(secret, 'pieces');
  let index = 0;
  let bytes = 0;
  for await (const piece of inPieces(content)) {
    yield sealPart({ secret: pieceKey, index, sizeBytes }, piece);
    index++;
    bytes += piece.length;
  }
  assert.equal(bytes, sizeBytes, 'the content is not as long as was said');
}

/** The key of one part, HKDF-SHA256 (RFC 5869) of the link's key with the id as salt. */
export function shareKeyOf({ id, key }: ShareSecret, part: SharePart): KeyObject {
  assert.equal(id.length, SHARE_ID_BYTES);
  assert.equal(key.length, SHARE_KEY_BYTES);
  return createSecretKey(new Uint8Array(hkdfSync('sha256', key, id, SHARE_KEY_LABELS[part], KEY_BYTES)));
}

function sealPart(
  { secret, index, sizeBytes }: { readonly secret: KeyObject; readonly index: number; readonly sizeBytes: number },
  plaintext: Uint8Array,
): Buffer {
  const sealed = Buffer.allocUnsafe(plaintext.length + SHARE_TAG_BYTES);
  const input = { secret, nonce: shareNonce(index), associatedData: shareAssociatedData(index, sizeBytes) };
  gcmSealInto(input, plaintext, sealed, 0);
  return sealed;
}

/** Full pieces, and what is left. */
async function* inPieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(SHARE_PIECE_BYTES);
  let filled = 0;
  for await (const bytes of content) {
    for (let start = 0; start < bytes.length; ) {
      const taken = Math.min(bytes.length - start, SHARE_PIECE_BYTES - filled);
      piece.set(bytes.subarray(start, start + taken), filled);
      filled += taken;
      start += taken;
      if (filled < SHARE_PIECE_BYTES) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

assert(SHARE_HEADER_PLAIN_BYTES < SHARE_PIECE_BYTES);

// Opens a sealed file that came from whoever shared it, as the page does in a browser: nothing is given on that is not proven.
import {
  decodeShareHeader,
  ProtocolError,
  readSharePrefix,
  SHARE_HEAD_BYTES,
  SHARE_PIECE_BYTES,
  SHARE_PREFIX_BYTES,
  SHARE_TAG_BYTES,
  type ShareHeader,
  shareAssociatedData,
  shareNonce,
  sharePieceCount,
} from '#protocol';
import { gcmOpen } from '../objects/aes-gcm.js';
import { type ShareSecret, shareKeyOf } from './seal-share.js';

/**
 * What the head of a sealed file says.
 *
 * head     its first SHARE_HEAD_BYTES
 * throws   share_damaged | share_key_wrong
 */
export function openShareHead(secret: ShareSecret, head: Uint8Array): ShareHeader & { readonly sizeBytes: number } {
  const sizeBytes = head.length === SHARE_HEAD_BYTES ? readSharePrefix(head) : null;
  if (sizeBytes === null) throw new ProtocolError('share_damaged', { part: 'head' });
  const input = {
    secret: shareKeyOf(secret, 'header'),
    nonce: shareNonce(0),
    associatedData: shareAssociatedData(0, sizeBytes),
  };
  const plain = gcmOpen(input, head.subarray(SHARE_PREFIX_BYTES));
  if (plain === null) throw new ProtocolError('share_key_wrong');
  const header = decodeShareHeader(plain);
  if (header === null) throw new ProtocolError('share_damaged', { part: 'header' });
  return { ...header, sizeBytes };
}

/**
 * The bytes of the file, of what follows the head.
 *
 * throws   share_damaged for a piece that is changed, missing, or stands elsewhere, and for anything behind the last one
 */
export async function* openSharePieces(
  secret: ShareSecret,
  sizeBytes: number,
  sealed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  const key = shareKeyOf(secret, 'pieces');
  const pieces = sharePieceCount(sizeBytes);
  const sealedPiece = Buffer.allocUnsafe(SHARE_PIECE_BYTES + SHARE_TAG_BYTES);
  let index = 0;
  let filled = 0;
  const lengthOf = (at: number): number =>
    Math.min(SHARE_PIECE_BYTES, sizeBytes - at * SHARE_PIECE_BYTES) + SHARE_TAG_BYTES;
  for await (const bytes of sealed) {
    for (let start = 0; start < bytes.length; ) {
      if (index === pieces) throw new ProtocolError('share_damaged', { part: 'end' });
      const wanted = lengthOf(index);
      const taken = Math.min(bytes.length - start, wanted - filled);
      sealedPiece.set(bytes.subarray(start, start + taken), filled);
      filled += taken;
      start += taken;
      if (filled < wanted) continue;
      const input = { secret: key, nonce: shareNonce(index), associatedData: shareAssociatedData(index, sizeBytes) };
      const plain = gcmOpen(input, sealedPiece.subarray(0, wanted));
      if (plain === null) throw new ProtocolError('share_damaged', { part: index });
      yield plain;
      index++;
      filled = 0;
    }
  }
  if (index !== pieces || filled !== 0) throw new ProtocolError('share_damaged', { part: index });
}

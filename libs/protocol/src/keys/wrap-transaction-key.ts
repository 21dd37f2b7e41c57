// How a new transaction key travels: inside TLS, and sealed under a sub-key of the one that it replaces (B5).
import { concatBytes, decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import { ProtocolError } from '../errors.js';
import type { PeerId } from '../ids.js';
import { KEY_BYTES } from '../limits.js';
import { TransactionKey } from './transaction-key.js';

export const WRAP_NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seal `next` for its peer: base64url(nonce || AES-256-GCM-SIV ciphertext and tag). Pure.
 *
 * nonce  12 fresh random bytes (RFC 8452 forgives a repeated one)
 */
export function wrapTransactionKey(
  next: TransactionKey,
  under: TransactionKey,
  peerId: PeerId,
  nonce: Uint8Array,
): string {
  const sealed = under.suite.aes256GcmSivSeal(under.wrap, nonce, associatedData(under, peerId), next.bytes);
  return encodeBase64url(concatBytes(nonce, sealed));
}

/** throws answer_untrusted when the text was not sealed for this peer under this key */
export function unwrapTransactionKey(text: string, under: TransactionKey, peerId: PeerId): TransactionKey {
  const bytes = decodeBase64url(text);
  if (bytes === null || bytes.length !== WRAP_NONCE_BYTES + KEY_BYTES + TAG_BYTES) {
    throw new ProtocolError('answer_untrusted');
  }
  const key = under.suite.aes256GcmSivOpen(
    under.wrap,
    bytes.subarray(0, WRAP_NONCE_BYTES),
    associatedData(under, peerId),
    bytes.subarray(WRAP_NONCE_BYTES),
  );
  if (key === null) throw new ProtocolError('answer_untrusted');
  return new TransactionKey(key, under.suite);
}

function associatedData(under: TransactionKey, peerId: PeerId): Uint8Array {
  return utf8(`peerkeep/1/wrap/${peerId}/${under.kid}`);
}

// Escrow of a master key (B7): the second key that the broker derives, how it travels, and what is sealed under it.
import { concatBytes, decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import { childKey } from '../crypto/hkdf.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { ProtocolError } from '../errors.js';
import type { AccountId, PeerId } from '../ids.js';
import { KEY_BYTES } from '../limits.js';
import type { TransactionKey } from './transaction-key.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Of a sealed key, on its way or at rest: nonce, ciphertext, tag. */
export const ESCROW_SEALED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/** Whose escrow, and which one: an account that turns escrow off and on again has another. */
export interface EscrowName {
  readonly accountId: AccountId;
  /** UUIDv7, chosen by the broker. */
  readonly escrowId: string;
}

/**
 * The second key of an account: HKDF-SHA-256(escrow secret, label), 32 bytes. Pure.
 *
 * secret   of the broker, 32 bytes of its CSPRNG
 */
export function deriveEscrowKey(secret: Uint8Array, name: EscrowName): Uint8Array {
  return childKey(nodeSuite, secret, labelOf(name));
}

/**
 * Seal a master key under the second key: base64url(nonce || AES-256-GCM-SIV ciphertext and tag), bound to the account and
 * the escrow. Pure.
 *
 * nonce   12 fresh random bytes
 */
export function sealMasterKey(
  masterKey: Uint8Array,
  escrow: EscrowName & { readonly key: Uint8Array },
  nonce: Uint8Array,
): string {
  const sealed = nodeSuite.aes256GcmSivSeal(escrow.key, nonce, utf8(labelOf(escrow)), masterKey);
  return encodeBase64url(concatBytes(nonce, sealed));
}

/** throws escrow_mismatch when the text was not sealed for this account and escrow under this key */
export function openMasterKey(text: string, escrow: EscrowName & { readonly key: Uint8Array }): Uint8Array {
  const bytes = sealedBytes(text);
  const key =
    bytes === null
      ? null
      : nodeSuite.aes256GcmSivOpen(
          escrow.key,
          bytes.subarray(0, NONCE_BYTES),
          utf8(labelOf(escrow)),
          bytes.subarray(NONCE_BYTES),
        );
  if (key === null) throw new ProtocolError('escrow_mismatch');
  return key;
}

/**
 * Seal the second key for the peer that asked, under the sub-key that seals its next transaction key; the associated data
 * keeps the two apart. Pure.
 */
export function wrapEscrowKey(
  escrow: EscrowName & { readonly key: Uint8Array },
  under: TransactionKey,
  peerId: PeerId,
  nonce: Uint8Array,
): string {
  const sealed = under.suite.aes256GcmSivSeal(under.wrap, nonce, wrapData(escrow, under, peerId), escrow.key);
  return encodeBase64url(concatBytes(nonce, sealed));
}

/** throws answer_untrusted when the text was not sealed for this peer and escrow under this key */
export function unwrapEscrowKey(text: string, name: EscrowName, under: TransactionKey, peerId: PeerId): Uint8Array {
  const bytes = sealedBytes(text);
  if (bytes === null) throw new ProtocolError('answer_untrusted');
  const key = under.suite.aes256GcmSivOpen(
    under.wrap,
    bytes.subarray(0, NONCE_BYTES),
    wrapData(name, under, peerId),
    bytes.subarray(NONCE_BYTES),
  );
  if (key === null) throw new ProtocolError('answer_untrusted');
  return key;
}

function sealedBytes(text: string): Uint8Array | null {
  const bytes = decodeBase64url(text);
  return bytes?.length === ESCROW_SEALED_BYTES ? bytes : null;
}

function labelOf({ accountId, escrowId }: EscrowName): string {
  return `peerkeep/1/escrow/${accountId}/${escrowId}`;
}

function wrapData(name: EscrowName, under: TransactionKey, peerId: PeerId): Uint8Array {
  return utf8(`peerkeep/1/wrap-escrow/${peerId}/${under.kid}/${name.accountId}/${name.escrowId}`);
}

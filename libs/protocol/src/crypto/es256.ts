// ES256 (RFC 7518 §3.4): ECDSA P-256 with SHA-256, signature as r || s, 64 bytes, by node:crypto.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export const ES256_SIGNATURE_BYTES = 64;

export type SignBytes = (message: Uint8Array) => Uint8Array;
export type VerifyBytes = (message: Uint8Array, signature: Uint8Array) => boolean;

export function es256Signer(privateKey: KeyObject | string): SignBytes {
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey;
  return (message) => sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
}

/** `publicKey`: a key object, or PEM (SPKI, or a certificate). */
export function es256Verifier(publicKey: KeyObject | string): VerifyBytes {
  const key = typeof publicKey === 'string' ? createPublicKey(publicKey) : publicKey;
  return (message, signature) =>
    signature.length === ES256_SIGNATURE_BYTES &&
    verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

// ES256 (RFC 7518 §3.4): ECDSA P-256 with SHA-256, signature as r || s, 64 bytes, by node:crypto.
import { strict as assert } from 'node:assert';
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export const ES256_SIGNATURE_BYTES = 64;

export type SignBytes = (message: Uint8Array) => Uint8Array;
export type VerifyBytes = (message: Uint8Array, signature: Uint8Array) => boolean;

export function es256Signer(privateKey: KeyObject | string): SignBytes {
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey;
  assertP256(key);
  return (message) => sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' });
}

/** `publicKey`: a key object, or PEM (SPKI, or a certificate). */
export function es256Verifier(publicKey: KeyObject | string): VerifyBytes {
  const key = typeof publicKey === 'string' ? createPublicKey(publicKey) : publicKey;
  assertP256(key);
  return (message, signature) =>
    signature.length === ES256_SIGNATURE_BYTES &&
    verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** The algorithm is ours, not the key's: node would sign and verify by whatever kind of key it is given. */
function assertP256(key: KeyObject): void {
  assert.equal(key.asymmetricKeyType, 'ec');
  assert.equal(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
}

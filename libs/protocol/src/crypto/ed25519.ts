// Ed25519 (RFC 8032), to verify: by node:crypto.
import { strict as assert } from 'node:assert';
import { createPublicKey, verify } from 'node:crypto';
import { encodeBase64url } from '../bytes.js';
import type { VerifyBytes } from './es256.js';

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** publicKey: 32 bytes, as they are (RFC 8032 §5.1.5). What is no point of the curve verifies nothing. */
export function ed25519Verifier(publicKey: Uint8Array): VerifyBytes {
  assert.equal(publicKey.length, PUBLIC_KEY_BYTES);
  // RFC 8037 §2: the JWK of a public key holds its bytes as they are.
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) }, format: 'jwk' });
  return (message, signature) => signature.length === SIGNATURE_BYTES && verify(null, message, key, signature);
}

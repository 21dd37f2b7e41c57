// Checks that whoever enrols holds the recovery phrase of an account: an Ed25519 signature over this very request. Pure.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  CLOCK_SKEW_MS_MAX,
  decodeBase64url,
  type EnrolmentCredential,
  parseTime,
  recoveryProofMessage,
} from '#protocol';

export type RecoveryProof = Extract<EnrolmentCredential, { kind: 'recovery-proof' }>;

/** True when the proof is fresh and signed by the key that it names. Whether an account has that key comes after. */
export function isRecoveryProofSound(
  proof: RecoveryProof,
  expected: { trustDomain: string; csrDer: Uint8Array; nowMs: number },
): boolean {
  const madeAtMs = parseTime(proof.madeAt);
  if (madeAtMs === null || Math.abs(expected.nowMs - madeAtMs) > CLOCK_SKEW_MS_MAX) return false;
  const signature = decodeBase64url(proof.proof);
  if (signature === null) return false;
  const { trustDomain, csrDer } = expected;
  const message = recoveryProofMessage({ trustDomain, csrDer, madeAt: proof.madeAt });
  return verify(null, message, ed25519Key(proof.publicKey), signature);
}

/** RFC 8037 §2: a JWK of an Ed25519 public key holds its 32 bytes as they are. */
function ed25519Key(publicKey: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
}

// Checks that whoever enrols holds the recovery phrase of an account: an Ed25519 signature over this very request. Pure.
import {
  CLOCK_SKEW_MS_MAX,
  decodeBase64url,
  type EnrolmentCredential,
  ed25519Verifier,
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
  const publicKey = decodeBase64url(proof.publicKey);
  if (signature === null || publicKey === null) return false;
  const { trustDomain, csrDer } = expected;
  const message = recoveryProofMessage({ trustDomain, csrDer, madeAt: proof.madeAt });
  return ed25519Verifier(publicKey)(message, signature);
}

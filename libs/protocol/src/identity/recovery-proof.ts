// The recovery proof: a new machine shows that it holds the account's recovery phrase, without showing the phrase (B7).
import { hash } from 'node:crypto';
import { concatBytes, utf8 } from '../bytes.js';

/**
 * What the account's Ed25519 recovery key (RFC 8032) signs to enrol a new machine. Bound to the broker's trust domain,
 * to the certificate request (so that a stolen proof enrols only the key that its thief lacks) and to a time.
 *
 * csrDer  PKCS #10 request, DER
 * madeAt  RFC 3339 text
 */
export function recoveryProofMessage(proof: { trustDomain: string; csrDer: Uint8Array; madeAt: string }): Uint8Array {
  const label = utf8(`peerkeep/1/recovery-proof\n${proof.trustDomain}\n${proof.madeAt}\n`);
  return concatBytes(label, hash('sha256', proof.csrDer, 'buffer'));
}

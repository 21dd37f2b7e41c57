// The short name of an identity key that a person compares on a terminal and on a page.
import { hash } from 'node:crypto';

const FINGERPRINT_CHARS = 20;

/**
 * The first 80 bits of SHA-256 over the public key, as five groups of four hex digits. Enough for a comparison by eye
 * within the quarter of an hour that an approval takes; never a proof by itself.
 *
 * spki  SubjectPublicKeyInfo, DER
 */
export function keyFingerprint(spki: Uint8Array): string {
  const digits = hash('sha256', spki, 'hex').slice(0, FINGERPRINT_CHARS);
  return digits.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

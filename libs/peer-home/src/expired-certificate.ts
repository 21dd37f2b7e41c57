// Is a certificate good but for its end? For a restore while there is no broker that could have renewed it. Pure.
import { X509Certificate } from 'node:crypto';
import { formatSpiffeId, type SpiffeId, type UnixMs } from '#protocol';
import { spiffeIdOfCertificate } from './certificate-identity.js';

export interface TrustedSince {
  readonly caPem: string;
  readonly expected: SpiffeId;
  /** undefined: no end is forgiven. */
  readonly expiredSinceMs?: UnixMs | undefined;
}

/**
 * Signed by the pinned CA itself, for exactly that peer, no CA, and still good at `expiredSinceMs`. TLS 1.3 has proved
 * that its key is there, whatever was made of the chain.
 */
export function isTrustedSince(
  certificate: X509Certificate | undefined,
  { caPem, expected, expiredSinceMs }: TrustedSince,
): boolean {
  if (certificate === undefined || expiredSinceMs === undefined) return false;
  const authority = new X509Certificate(caPem);
  const identity = spiffeIdOfCertificate(certificate);
  return (
    certificate.checkIssued(authority) &&
    certificate.verify(authority.publicKey) &&
    !certificate.ca &&
    identity !== null &&
    formatSpiffeId(identity) === formatSpiffeId(expected) &&
    Date.parse(certificate.validTo) >= expiredSinceMs
  );
}

// Who a TLS certificate speaks for: its one SPIFFE URI, and nothing else in it (no host names).
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { type ErrorCode, formatSpiffeId, ProtocolError, type SpiffeId, spiffeIdOfAltNames } from '#protocol';

/**
 * The SPIFFE id in a certificate; null when there is none, more than one URI, or a name that Node had to quote
 * (a quoted name could hold what looks like another entry). The caller has verified the chain.
 *
 * source  SPIFFE X509-SVID §2: exactly one URI SAN
 */
export function spiffeIdOfCertificate(certificate: PeerCertificate | X509Certificate): SpiffeId | null {
  const names = certificate instanceof X509Certificate ? certificate.subjectAltName : certificate.subjectaltname;
  return names === undefined || names.includes('"') ? null : spiffeIdOfAltNames(names);
}

/**
 * A `checkServerIdentity` for node:tls that accepts one SPIFFE id only, whatever the host name is.
 *
 * code  the refusal when it is somebody else
 */
export function expectSpiffeId(
  expected: SpiffeId,
  code: ErrorCode,
): (hostname: string, certificate: PeerCertificate) => Error | undefined {
  const wanted = formatSpiffeId(expected);
  return (_hostname, certificate) => {
    const identity = spiffeIdOfCertificate(certificate);
    const found = identity === null ? null : formatSpiffeId(identity);
    return found === wanted ? undefined : new ProtocolError(code, { expected: wanted, found });
  };
}

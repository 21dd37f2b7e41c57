// Is the certificate that the broker handed out the one that we asked for?
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { formatSpiffeId, ProtocolError, type SpiffeId } from '#protocol';

/**
 * The certificate must be for our key, from the pinned CA, and carry our SPIFFE id and no other name.
 *
 * throws answer_untrusted
 */
export function checkIssuedCertificate(issued: {
  readonly certificatePem: string;
  readonly caPem: string;
  readonly privateKeyPem: string;
  readonly expected: SpiffeId;
}): void {
  const authority = new X509Certificate(issued.caPem);
  const certificate = readCertificate(issued.certificatePem);
  const ours = createPublicKey(createPrivateKey(issued.privateKeyPem));
  const holds =
    certificate.publicKey.equals(ours) &&
    certificate.checkIssued(authority) &&
    certificate.verify(authority.publicKey) &&
    certificate.subjectAltName === `URI:${formatSpiffeId(issued.expected)}`;
  if (!holds) throw new ProtocolError('answer_untrusted', { reason: 'certificate' });
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new ProtocolError('answer_untrusted', { reason: 'certificate' }, { cause: error });
  }
}

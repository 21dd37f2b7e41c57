// First contact: one TLS handshake, nothing sent, to fetch the CA certificate that the join link names by its hash.
import { createHash, X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { type JoinLink, ProtocolError } from '#protocol';
import { spiffeIdOfCertificate } from './certificate-identity.js';
import { CHAIN_CERTIFICATES_MAX, CONNECT_MS_MAX } from './limits.js';
import { connectionRefusal } from './trusted-connection.js';

export interface PinnedAuthority {
  readonly caPem: string;
  readonly trustDomain: string;
}

/**
 * Fetch the broker's chain and keep the certificate whose SHA-256 (over DER) is the pin, when it is a CA and has
 * issued the broker's own. Nothing else of the chain is trusted: the caller connects anew under this CA alone.
 *
 * throws broker_unreachable | broker_untrusted
 */
export async function pinAuthority(link: JoinLink): Promise<PinnedAuthority> {
  const chain = await fetchChain(link.host, link.port);
  const authority = chain.find(
    (certificate) => createHash('sha256').update(certificate.raw).digest('hex') === link.caSha256,
  );
  if (authority === undefined) throw new ProtocolError('broker_untrusted', { reason: 'pin' });
  const leaf = chain[0]!;
  if (!authority.ca || !leaf.checkIssued(authority) || !leaf.verify(authority.publicKey)) {
    throw new ProtocolError('broker_untrusted', { reason: 'chain' });
  }
  const identity = spiffeIdOfCertificate(leaf);
  if (identity?.subject !== 'broker') throw new ProtocolError('broker_untrusted', { reason: 'identity' });
  return { caPem: authority.toString(), trustDomain: identity.trustDomain };
}

async function fetchChain(host: string, port: number): Promise<readonly X509Certificate[]> {
  // Nothing is verified and nothing is sent in this handshake; it only shows certificates, which the pin then judges.
  const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: ['http/1.1'] });
  const timer = setTimeout(
    () => socket.destroy(new ProtocolError('broker_unreachable', { reason: 'connect timeout' })),
    CONNECT_MS_MAX,
  );
  try {
    return await new Promise((resolve, reject) => {
      socket.once('secureConnect', () => resolve(chainOf(socket)));
      socket.once('error', (error) => reject(connectionRefusal(error, BROKER_CODES)));
      socket.once('close', () => reject(new ProtocolError('broker_unreachable', { reason: 'closed' })));
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

export const BROKER_CODES = { unreachable: 'broker_unreachable', untrusted: 'broker_untrusted' } as const;

function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < CHAIN_CERTIFICATES_MAX) {
    chain.push(new X509Certificate(next.raw));
    // A self-signed certificate names itself as its issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

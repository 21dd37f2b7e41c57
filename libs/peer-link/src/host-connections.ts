// The connections to one host: a bounded keep-alive pool that speaks to exactly that peer, and the key it proved.
import { type KeyObject, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Dial, httpsOrigin, Pool, trustedConnector } from '#peer-home';
import { ALPN_SHARDS, type PeerAddress } from '#protocol';
import { ANSWER_MS_MAX, CONNECTIONS_PER_HOST_MAX, KEEP_ALIVE_MS } from './limits.js';

export const PEER_CODES = { unreachable: 'peer_unreachable', untrusted: 'peer_untrusted' } as const;

/**
 * TLS 1.3 suites (RFC 8446 appendix B.4), the cheapest first: what travels is sealed with AES-256 already, and AES-128
 * takes two thirds of the time.
 */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** Who speaks to hosts: a peer, or the broker. */
export interface LinkIdentity {
  readonly caPem: string;
  readonly trustDomain: string;
  /** Asked at each connection, they are renewed. */
  readonly own: () => { readonly certificatePem: string; readonly privateKeyPem: string };
}

export class HostConnections {
  readonly pool: Pool;
  private provenKey: KeyObject | null = null;

  constructor(
    identity: LinkIdentity,
    readonly host: PeerAddress,
    dial?: Dial,
  ) {
    this.pool = new Pool(httpsOrigin({ host: host.address, port: host.port }), {
      connect: trustedConnector({
        caPem: identity.caPem,
        expected: { trustDomain: identity.trustDomain, subject: host.peerId },
        alpn: ALPN_SHARDS,
        own: identity.own,
        codes: PEER_CODES,
        onTrusted: (socket) => this.keepKey(socket),
        dial,
        ciphers: CIPHERS,
      }),
      connections: CONNECTIONS_PER_HOST_MAX,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: ANSWER_MS_MAX,
      // The rate watch ends slow bodies; it has the finer measure.
      bodyTimeout: 0,
    });
  }

  /** The key in the certificate that the host showed last; null before the first connection. */
  get publicKey(): KeyObject | null {
    return this.provenKey;
  }

  isFor(host: PeerAddress): boolean {
    return this.host.address === host.address && this.host.port === host.port;
  }

  private keepKey(socket: TLSSocket): void {
    this.provenKey = new X509Certificate(socket.getPeerCertificate().raw).publicKey;
  }
}

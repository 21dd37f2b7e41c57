// The connections to one host: a bounded keep-alive pool that speaks to exactly that peer, and the key it proved.
import { type KeyObject, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { connectionRefusal, httpsOrigin, Pool, type TrustedConnectionOptions } from '#peer-home';
import { ALPN_SHARDS, type PeerAddress, type UnixMs } from '#protocol';
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
  /** Hosts are believed whose certificates ended since then. */
  readonly expiredSinceMs?: UnixMs | undefined;
}

/** Opens a connection to a peer by some way; `tls` says how it is known. */
export type OpenWay = (host: PeerAddress, tls: TrustedConnectionOptions) => Promise<TLSSocket>;

export class HostConnections {
  readonly pool: Pool;
  private address: PeerAddress;
  private provenKey: KeyObject | null = null;

  constructor(identity: LinkIdentity, host: PeerAddress, open: OpenWay) {
    this.address = host;
    const tls: TrustedConnectionOptions = {
      caPem: identity.caPem,
      expected: { trustDomain: identity.trustDomain, subject: host.peerId },
      alpn: ALPN_SHARDS,
      own: identity.own,
      expiredSinceMs: identity.expiredSinceMs,
      codes: PEER_CODES,
      onTrusted: (socket) => this.keepKey(socket),
      ciphers: CIPHERS,
    };
    this.pool = new Pool(httpsOrigin({ host: host.address, port: host.port }), {
      connect: (_target, callback) => {
        open(this.address, tls).then(
          (socket) => callback(null, socket),
          (error: Error) => callback(connectionRefusal(error, PEER_CODES), null),
        );
      },
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

  get host(): PeerAddress {
    return this.address;
  }

  isFor(host: PeerAddress): boolean {
    return this.address.address === host.address && this.address.port === host.port;
  }

  /** Connections that come are made through the relay and under the lease that the broker named last. */
  learn(host: PeerAddress): void {
    this.address = host;
  }

  private keepKey(socket: TLSSocket): void {
    this.provenKey = new X509Certificate(socket.getPeerCertificate().raw).publicKey;
  }
}

// Which peer is on the other end of a connection: the rule of the same trust domain (D1-D3), checked before any HTTP.
import type { TLSSocket } from 'node:tls';
import { ALPN_SHARDS, type Requester, spiffeIdOfAltNames } from '#protocol';

/**
 * The peer that a TLS connection speaks for, or the broker; null when it is none of this trust domain, or speaks another
 * application. A token names one of them: with its certificate the broker can do what it asked for, and nothing else.
 * node:tls has verified the chain up to our CA, the validity and the possession of the key.
 */
export function peerOfConnection(socket: TLSSocket, trustDomain: string): Requester | null {
  if (!socket.authorized || socket.alpnProtocol !== ALPN_SHARDS) return null;
  const id = spiffeIdOfAltNames(socket.getPeerX509Certificate()?.subjectAltName);
  return id?.trustDomain === trustDomain ? id.subject : null;
}

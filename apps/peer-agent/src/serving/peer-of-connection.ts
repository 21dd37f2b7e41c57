// Which peer is on the other end of a connection: the rule of the same trust domain (D1-D3), checked before any HTTP.
import type { TLSSocket } from 'node:tls';
import { ALPN_SHARDS, type PeerId, spiffeIdOfAltNames } from '#protocol';

/**
 * The peer that a TLS connection speaks for; null when it is none of this trust domain, or speaks another application.
 * node:tls has verified the chain up to our CA, the validity and the possession of the key.
 */
export function peerOfConnection(socket: TLSSocket, trustDomain: string): PeerId | null {
  if (!socket.authorized || socket.alpnProtocol !== ALPN_SHARDS) return null;
  const id = spiffeIdOfAltNames(socket.getPeerX509Certificate()?.subjectAltName);
  if (id === null || id.trustDomain !== trustDomain || id.subject === 'broker') return null;
  return id.subject;
}

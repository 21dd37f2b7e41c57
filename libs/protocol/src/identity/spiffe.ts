// Names inside certificates: SPIFFE ids (SPIFFE-ID specification §2) in the URI SAN.
import type { PeerId } from '../ids.js';
import { isUuidV7 } from '../ids.js';
import { TRUST_DOMAIN_CHARS_MAX } from '../limits.js';

/** What a TLS listener of peers speaks, by ALPN (RFC 7301): a listener that runs something else refuses (D2). */
export const ALPN_SHARDS = 'peerkeep-shards/1';
/** What a relay's listener speaks: with a peer that attaches itself, and with whoever wants to reach one (SPEC §13). */
export const ALPN_RELAY = 'peerkeep-relay/1';
export const ALPN_REACH = 'peerkeep-reach/1';

export interface SpiffeId {
  readonly trustDomain: string;
  readonly subject: PeerId | 'broker';
}

const TRUST_DOMAIN = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;

export function isTrustDomain(text: string): boolean {
  return text.length <= TRUST_DOMAIN_CHARS_MAX && TRUST_DOMAIN.test(text);
}

export function formatSpiffeId(id: SpiffeId): string {
  return `spiffe://${id.trustDomain}/${id.subject === 'broker' ? 'broker' : `peer/${id.subject}`}`;
}

/** Null for everything that formatSpiffeId would not write. */
export function parseSpiffeId(uri: string): SpiffeId | null {
  const match = /^spiffe:\/\/([^/]+)\/(?:(broker)|peer\/([^/]+))$/.exec(uri);
  const trustDomain = match?.[1];
  if (trustDomain === undefined || !isTrustDomain(trustDomain)) return null;
  if (match?.[2] !== undefined) return { trustDomain, subject: 'broker' };
  const peerId = match?.[3];
  if (peerId === undefined || !isUuidV7(peerId)) return null;
  return { trustDomain, subject: peerId as PeerId };
}

/**
 * The SPIFFE id of a certificate, from node:tls's `subjectaltname` text; null unless there is exactly one URI and it
 * is a SPIFFE id (SPIFFE X.509-SVID §2: exactly one URI SAN).
 *
 * Node quotes a name that holds a comma or another character of its own syntax. No name of ours needs quotes, and a
 * quoted one could hide a whole URI from the split below: such a certificate has no SPIFFE id.
 */
export function spiffeIdOfAltNames(subjectAltName: string | undefined): SpiffeId | null {
  if (subjectAltName === undefined || subjectAltName.includes('"')) return null;
  const uris = subjectAltName
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
  return uris.length === 1 ? parseSpiffeId(uris[0]!) : null;
}

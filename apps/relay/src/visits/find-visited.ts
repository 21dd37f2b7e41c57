// Which attached peer a visitor's browser asks for, by the host name in its request. Pure but for the list of peers.
import { ProtocolError } from '#protocol';
import type { AttachedPeer } from '../attach/attached-peer.js';

export interface VisitPlace {
  /** The peer's public name. */
  readonly name: string;
  /** `NAME.DOMAIN` */
  readonly host: string;
  /** The same with its port, where one was given. */
  readonly authority: string;
}

/**
 * authority    of the request: host, and a port where it is not 443
 * relayDomain  null where the network has none
 * throws       name_unknown for a name that is not directly below the domain
 */
export function placeOf(authority: string | undefined, relayDomain: string | null): VisitPlace {
  const [, host = '', port = ''] = /^([A-Za-z0-9.-]{1,253}?)\.?(:\d{1,5})?$/.exec(authority ?? '') ?? [];
  const ending = `.${relayDomain?.toLowerCase()}`;
  const lower = host.toLowerCase();
  const name = relayDomain !== null && lower.endsWith(ending) ? lower.slice(0, -ending.length) : '';
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) throw new ProtocolError('name_unknown');
  return { name, host: lower, authority: `${lower}${port === ':443' ? '' : port}` };
}

/** The peer of that name whose lease lets visitors in. throws peer_not_attached, also for one that lets nobody in */
export function findVisited(peers: Iterable<AttachedPeer>, name: string): AttachedPeer {
  for (const peer of peers) {
    const claims = peer.lease?.claims;
    if (claims?.web === true && claims.name === name) return peer;
  }
  throw new ProtocolError('peer_not_attached');
}

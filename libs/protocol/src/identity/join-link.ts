// Join links: `peerkeep://host:port/#<sha256 of the CA certificate>`, where to find a broker and how to know it (SPEC §1).
import { isIPv6 } from 'node:net';
import { decodeHex } from '../bytes.js';
import { ProtocolError } from '../errors.js';

export interface JoinLink {
  /** A host name or IP address, an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the CA certificate in DER, lower-case hex. */
  readonly caSha256: string;
}

export function formatJoinLink(link: JoinLink): string {
  const host = isIPv6(link.host) ? `[${link.host}]` : link.host;
  return `peerkeep://${host}:${link.port}/#${link.caSha256}`;
}

/** throws join_link_invalid */
export function parseJoinLink(text: string): JoinLink {
  const match = /^peerkeep:\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})\/?#([0-9a-fA-F]{64})$/.exec(
    text.trim(),
  );
  if (match === null) throw new ProtocolError('join_link_invalid');
  const host = (match[1] ?? match[2])!;
  const port = Number(match[3]);
  const caSha256 = match[4]!.toLowerCase();
  if (match[1] !== undefined && !isIPv6(host)) throw new ProtocolError('join_link_invalid');
  if (port < 1 || port > 65_535 || decodeHex(caSha256) === null) throw new ProtocolError('join_link_invalid');
  return { host, port, caSha256 };
}

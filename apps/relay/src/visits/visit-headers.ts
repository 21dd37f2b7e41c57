// What of a visitor's request goes to the peer, and what of the peer's answer goes back. Pure.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';

/** In a request to a peer: a visitor asks, and not the relay itself. */
export const VISIT_HEADER = 'peerkeep-visit';

/** Of one connection and not of the message (RFC 9110 §7.6.1), or the relay's own to say. */
const NOT_FORWARDED = new Set([
  'connection',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-real-ip',
]);

/** What a peer may say of itself alone: where else its pages are is the relay's to say, and codes are the relay's. */
const NOT_ANSWERED = new Set([...NOT_FORWARDED, 'alt-svc', 'peerkeep-code']);

/** What only relays and their clients say to each other. */
const OF_RELAYS = new Set([VISIT_HEADER, 'peerkeep-from', 'peerkeep-lease', 'peerkeep-code']);

export interface VisitFacts {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** As the visitor's browser knows the peer, without a port. */
  readonly host: string;
  /** Host and port, where the port is not the one of https. */
  readonly authority: string;
  readonly address: string;
}

/** Whatever the visitor says of proxies before this one is not believed. */
export function headersToPeer(headers: IncomingHttpHeaders, facts: VisitFacts): OutgoingHttpHeaders {
  const named = namedByConnection(headers.connection);
  const kept = entriesOf(headers).filter(
    ([name]) =>
      !NOT_FORWARDED.has(name) && !OF_RELAYS.has(name) && !name.startsWith('x-forwarded-') && !named.has(name),
  );
  return {
    ...Object.fromEntries(kept),
    ':method': facts.method,
    ':scheme': 'https',
    ':authority': facts.authority,
    ':path': facts.path,
    [VISIT_HEADER]: '1',
    'x-forwarded-for': facts.address,
    'x-forwarded-host': facts.host,
    'x-forwarded-proto': 'https',
  };
}

/** A cookie stays with the peer that set it: none for the whole domain, where its neighbours would get it. */
export function headersToVisitor(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = namedByConnection(headers.connection);
  const kept = entriesOf(headers).filter(([name]) => !NOT_ANSWERED.has(name) && !named.has(name));
  const answered = Object.fromEntries(kept);
  const cookies = headers['set-cookie'];
  if (cookies !== undefined) answered['set-cookie'] = cookies.map(withoutDomain);
  return { ...answered, 'strict-transport-security': 'max-age=31536000' };
}

function withoutDomain(cookie: string): string {
  return cookie
    .split(';')
    .filter((part, at) => at === 0 || !/^\s*domain\s*(?:=|$)/i.test(part))
    .join(';');
}

function entriesOf(headers: IncomingHttpHeaders): [string, string | string[]][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string | string[]][] =>
    value === undefined || name.startsWith(':') ? [] : [[name, value]],
  );
}

/** The header names that a Connection header lists. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

// Who may ask: this machine by its own names, so that no web page reaches the view by a name of its own (DNS rebinding);
// and with a password, whoever knows it.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv6 } from 'node:net';
import type { ListenAddress } from '#process';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** An address that only programs of this machine reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * The Host header must name this machine as loopback does. A listener for others has names that nobody knows here; its
 * password keeps a rebound name out, since a browser sends it to the name that it was given for alone.
 */
export function isAllowedHost(header: string | undefined, listen: ListenAddress): boolean {
  if (!isLoopback(listen.host)) return true;
  const own = isIPv6(listen.host) ? `[${listen.host}]` : listen.host;
  const allowed = ['localhost', '127.0.0.1', '[::1]', own].map((name) => `${name}:${listen.port}`);
  return header !== undefined && allowed.includes(header.toLowerCase());
}

/** Basic authentication, RFC 7617; the time it takes tells nothing about the password. */
export function isAllowedUser({ authorization }: IncomingHttpHeaders, wanted: Credentials | null): boolean {
  if (wanted === null) return true;
  const match = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '');
  const given = match === null ? '' : Buffer.from(match[1]!, 'base64').toString();
  return timingSafeEqual(digestOf(given), digestOf(`${wanted.user}:${wanted.password}`));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

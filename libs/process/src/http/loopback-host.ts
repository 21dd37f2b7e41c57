// This machine by its own names: so that no web page reaches a listener of it by a name of its own (DNS rebinding). Pure.
import { isIPv6 } from 'node:net';
import type { ListenAddress } from '../command-line.js';

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

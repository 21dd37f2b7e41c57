// What counts as one source of requests: an IPv4 address, or the 64-bit network of an IPv6 one. Pure.
import { isIPv6 } from 'node:net';
import { plainAddress } from '../presence/judge-address.js';

const GROUPS = 8;

/**
 * A subscriber has a whole /64 at least (RFC 6177), so a limit per IPv6 address would limit nobody.
 *
 * address   as the socket tells it; text that is no IPv6 address is its own network
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.replace(/%.*$/, '').split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = Array<number>(GROUPS - left.length - right.length).fill(0);
  const network = [...left, ...zeros, ...right].slice(0, GROUPS / 2);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

/**
 * The site that a network is of. A site gets up to a /48, 65,536 networks of 64 bits (RFC 6177 §2), so what all networks
 * share is bounded per site as well; an IPv4 address is its own site.
 *
 * network   as networkOf tells it
 */
export function siteOf(network: string): string {
  const prefix = sitePrefixOf(network);
  return prefix === null ? network : `${prefix}:/48`;
}

/** What all networks of an IPv6 site begin with, as networkOf writes them; null for an IPv4 address. */
export function sitePrefixOf(network: string): string | null {
  return /^((?:[0-9a-f]+:){3})[0-9a-f]+::\/64$/.exec(network)?.[1] ?? null;
}

/** An IPv4 address at the end stands for two groups, and never for one of the first four. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? [0, 0] : [Number.parseInt(group, 16)]));
}

// Where a neighbour may be reached: on a local network, or where the operator says that one is. Pure.
import { BlockList, isIPv6 } from 'node:net';
import { type AddressRange, rangeOf } from '../presence/judge-address.js';

/** Ranges that no router carries across the Internet, so that an approval never names a host of strangers. */
const LOCAL: readonly AddressRange[] = ['private', 'link-local'];

/**
 * address    in plain form
 * ranges     further ranges in which hosts may stand
 * networks   further networks
 */
export function isAliasAddress(
  address: string,
  { ranges, networks }: { readonly ranges: readonly AddressRange[]; readonly networks: readonly string[] },
): boolean {
  const range = rangeOf(address);
  if (range === null) return false;
  if (LOCAL.includes(range) || (range !== 'special' && range !== 'public' && ranges.includes(range))) return true;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const allowed = new BlockList();
  for (const network of networks) {
    const [start, bits] = network.split('/') as [string, string];
    allowed.addSubnet(start, Number(bits), isIPv6(start) ? 'ipv6' : 'ipv4');
  }
  return range !== 'special' && allowed.check(address, family);
}

// Which hosts are in one network, for placement: whoever rents one has many addresses of it cheaply. Pure.

import type { PeerId } from '#protocol';
import { networkOf, siteOf } from '../enrolment/network-of.js';
import { plainAddress, rangeOf } from '../presence/judge-address.js';
import type { PlacementPolicy } from './placement-policy.js';

/**
 * The /24 of an IPv4 address, the /48 of an IPv6 one. A host with an address of a special range is a network of its own,
 * unless the policy says otherwise: where those are let in at all, the machines are the operator's own.
 */
export function networkOfHost(
  { peerId, address }: { readonly peerId: PeerId; readonly address: string },
  networks: PlacementPolicy['networks'],
): string {
  const plain = plainAddress(address);
  if (networks === 'public' && rangeOf(plain) !== 'public') return `peer ${peerId}`;
  const octets = /^(\d+\.\d+\.\d+)\.\d+$/.exec(plain);
  return octets === null ? siteOf(networkOf(plain)) : `${octets[1]}.0/24`;
}

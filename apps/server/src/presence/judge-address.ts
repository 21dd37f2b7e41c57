// Which remote addresses may be handed out as hosts: public ones always, special ranges only by policy. Pure.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export const ADDRESS_RANGES = ['loopback', 'private', 'link-local'] as const;
/** `special` is everything else that is not a host on the Internet, and is never handed out. */
export type AddressRange = (typeof ADDRESS_RANGES)[number] | 'special' | 'public';

const RANGES: Readonly<Record<Exclude<AddressRange, 'public'>, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  // RFC 1918, RFC 6598 (carriers' NAT), RFC 4193.
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  // RFC 6890 and its registry: unspecified, documentation, benchmarks, multicast, reserved; and the forms of IPv6 that
  // carry an IPv4 address inside (6to4, NAT64, Teredo), through which a special IPv4 address could hide.
  special: [
    '0.0.0.0/8',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
    '::/128',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '3fff::/20',
    '2002::/16',
    'ff00::/8',
  ],
};

const mappedAddresses = new BlockList();
mappedAddresses.addSubnet('::ffff:0:0', 96, 'ipv6');
// All that IANA has given out for hosts on the Internet; the rest of IPv6 is special or unassigned (RFC 4291 §2.4).
const unicastAddresses = new BlockList();
unicastAddresses.addSubnet('2000::', 3, 'ipv6');

const blocks = Object.entries(RANGES).map(([range, subnets]) => {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address, bits] = subnet.split('/') as [string, string];
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return { range: range as AddressRange, list };
});

/** An IPv4 address that arrived on an IPv6 socket, in its own form; others as they are. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  return mapped ?? address;
}

/** The range of an address in plain form; null when the text is no address. */
export function rangeOf(address: string): AddressRange | null {
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null;
  // A zone names an interface of the machine that speaks, and means nothing on another.
  if (family === null || address.includes('%')) return null;
  if (family === 'ipv6') {
    // Others than plainAddress takes off: they say an IPv4 address in a form that nobody has to write.
    if (mappedAddresses.check(address, 'ipv6')) return 'special';
    const range = blocks.find(({ list }) => list.check(address, family))?.range;
    return range ?? (unicastAddresses.check(address, 'ipv6') ? 'public' : 'special');
  }
  return blocks.find(({ list }) => list.check(address, family))?.range ?? 'public';
}

/** May a host be reached at the address that it was seen at? `allowed` names ranges beside the public one. */
export function isHostAddress(address: string, allowed: readonly AddressRange[]): boolean {
  const range = rangeOf(address);
  return range === 'public' || (range !== null && range !== 'special' && allowed.includes(range));
}

/** Without a policy: the special ranges that the broker itself listens in, so that a lab on one machine works. */
export function rangesAround(listenAddress: string): AddressRange[] {
  const range = rangeOf(listenAddress === 'localhost' ? '127.0.0.1' : listenAddress);
  if (range === 'loopback') return ['loopback'];
  // A broker on a private network serves the peers of that network, the ones on its own machine among them.
  if (range === 'private') return ['loopback', 'private'];
  return [];
}

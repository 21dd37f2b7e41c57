// The interfaces of this machine that lead to neighbours, and its own address on the way to one of them.
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { LAN_INTERFACES_MAX } from './lan-rules.js';

export interface LanInterface {
  readonly name: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Without a zone. */
  readonly address: string;
  /** Bits of the network. */
  readonly bits: number;
  /** Of its network; null where there is none. */
  readonly broadcast: string | null;
}

/** IPv4 addresses, and link-local IPv6 ones, of all interfaces but the loopback. */
export function lanInterfaces(): LanInterface[] {
  return interfacesOf((entry) => !entry.internal);
}

/** The loopback alone, for several peers on one machine. */
export function loopbackInterfaces(): LanInterface[] {
  return interfacesOf(({ internal, family }) => internal && family === 'IPv4').slice(0, 1);
}

/** Which of these addresses a neighbour at `remote` shares a network with; null when it shares none. */
export function addressTowards(remote: string, interfaces: readonly LanInterface[]): string | null {
  const [plain, zone] = remote.split('%') as [string, string | undefined];
  const family = isIPv6(plain) ? 'ipv6' : 'ipv4';
  for (const { name, family: own, address, bits } of interfaces) {
    if (own !== family || (zone !== undefined && zone !== name)) continue;
    const network = new BlockList();
    network.addSubnet(address, bits, own);
    if (network.check(plain, own)) return address;
  }
  return null;
}

type Entry = NonNullable<ReturnType<typeof networkInterfaces>[string]>[number];

function interfacesOf(isWanted: (entry: Entry) => boolean): LanInterface[] {
  const found = Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.filter(isWanted).flatMap((entry): LanInterface[] => {
      const bits = Number(entry.cidr?.split('/')[1] ?? (entry.family === 'IPv4' ? 32 : 128));
      if (entry.family === 'IPv4') {
        return [{ name, family: 'ipv4', address: entry.address, bits, broadcast: broadcastOf(entry.address, bits) }];
      }
      if (!/^fe[89ab]/i.test(entry.address)) return [];
      return [{ name, family: 'ipv6', address: entry.address, bits, broadcast: null }];
    }),
  );
  return found.slice(0, LAN_INTERFACES_MAX);
}

function broadcastOf(address: string, bits: number): string | null {
  // A network of one or two machines has none (RFC 3021).
  if (bits >= 31) return null;
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const last = (value | (2 ** (32 - bits) - 1)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (last >>> shift) & 255).join('.');
}

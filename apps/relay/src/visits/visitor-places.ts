// How many connections of visitors one remote network has open: one alone must not hold all that this relay takes. Pure.
import { isIPv6 } from 'node:net';
import { bytesOfAddress } from '#peer-link';

const NETWORK_BYTES = 8;

export class VisitorPlaces {
  /** At most one entry for each open connection, and those are bounded by the listener. */
  private readonly open = new Map<string, number>();

  constructor(private readonly perNetworkMax: number) {}

  /**
   * A place for one connection; it is given back by the returned function, to be called once. Null: its network has as many
   * as it may.
   *
   * address   as the socket tells it
   */
  take(address: string): (() => void) | null {
    const network = networkOf(address);
    const held = this.open.get(network) ?? 0;
    if (held >= this.perNetworkMax) return null;
    this.open.set(network, held + 1);
    return () => {
      const left = this.open.get(network)! - 1;
      if (left === 0) this.open.delete(network);
      else this.open.set(network, left);
    };
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 one: a subscriber has a whole /64 at least (RFC 6177). */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/, '');
  return isIPv6(plain) ? Buffer.from(bytesOfAddress(plain).subarray(0, NETWORK_BYTES)).toString('hex') : plain;
}

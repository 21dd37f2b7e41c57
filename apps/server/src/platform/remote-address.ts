// Who asks: the socket's address, or behind a trusted reverse proxy the one that the proxy tells. The one place for it.
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { networkOf } from '../enrolment/network-of.js';
import { plainAddress } from '../presence/judge-address.js';
import { Settings } from './settings.js';

@Injectable()
export class RemoteAddress {
  private readonly isTrusted: (address: string) => boolean;

  constructor(settings: Settings) {
    this.isTrusted = trustedBy(settings.policy.trustedProxies);
  }

  /** The address of the client, in plain form. */
  of(request: Pick<FastifyRequest, 'ip' | 'headers'>): string {
    const header = request.headers['x-forwarded-for'];
    return clientAddress(request.ip, Array.isArray(header) ? header.join(',') : header, this.isTrusted);
  }

  /**
   * Where the connection itself comes from, in plain form, whatever a header tells. Null for a connection of a trusted
   * proxy: that is nobody's own address.
   */
  ofConnection({ ip }: Pick<FastifyRequest, 'ip'>): string | null {
    const address = plainAddress(ip);
    return this.isTrusted(address) ? null : address;
  }

  /** What counts as one source of requests: see networkOf. */
  networkOf(request: Pick<FastifyRequest, 'ip' | 'headers'>): string {
    return networkOf(this.of(request));
  }
}

/**
 * The client's address. Each proxy appends the address that it saw, so the list is read from its end, and only as far
 * as trusted proxies wrote it: what stands before that may be the client's own invention. Pure.
 *
 * socketAddress   of the connection
 * forwardedFor    X-Forwarded-For as it came; undefined when there is none
 * isTrusted       is this the address of a proxy of ours?
 */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | undefined,
  isTrusted: (address: string) => boolean,
): string {
  let nearest = plainAddress(socketAddress);
  if (forwardedFor === undefined) return nearest;
  const told = forwardedFor.split(',');
  while (isTrusted(nearest)) {
    const next = addressIn(told.pop());
    if (next === null) break;
    nearest = next;
  }
  return nearest;
}

/** `trusted` as a question about an address. */
export function trustedBy(trusted: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const cidr of trusted) {
    const [address, bits] = cidr.split('/') as [string, string];
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}

export const cidrField = z.string().refine(isCidr, 'not a network like 10.0.0.0/8 or fd00::/8');

function isCidr(text: string): boolean {
  const match = /^([^/%]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return false;
  const version = isIP(match[1]!);
  return version !== 0 && Number(match[2]) <= (version === 6 ? 128 : 32);
}

/** One entry of the list; some proxies add the port. Null for what is no address. */
function addressIn(entry: string | undefined): string | null {
  const text = entry?.trim() ?? '';
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  const address = plainAddress(bare);
  return isIPv4(address) || isIPv6(address) ? address : null;
}

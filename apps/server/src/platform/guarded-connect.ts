// The only way in which the broker connects to what a peer has a say in (trap: SSRF). An address is a literal, judged
// right before the connection and again as the operating system says where it led; no name is ever resolved.
import { type AddressInfo, connect, isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Injectable } from '@nestjs/common';
import { ProtocolError } from '#protocol';
import { HOST_PORT_MIN } from '../limits.js';
import { type AddressRange, isHostAddress, plainAddress } from '../presence/judge-address.js';
import { Settings } from './settings.js';

const HTTPS_PORT = 443;
const CONNECT_MS_MAX = 5_000;

export interface Target {
  readonly address: string;
  readonly port: number;
}

export interface GuardRules {
  /** Special ranges that the policy allows. */
  readonly allowed: readonly AddressRange[];
  /** Where the broker itself listens; null before it does. */
  readonly ownPort: number | null;
  readonly ownAddresses: readonly string[];
}

/** May the broker connect there? What is no address in plain form may not be connected to. Pure. */
export function isAllowedTarget({ address, port }: Target, { allowed, ownPort, ownAddresses }: GuardRules): boolean {
  if (!Number.isInteger(port) || port > 65_535) return false;
  if (port < HOST_PORT_MIN && port !== HTTPS_PORT) return false;
  if (!isHostAddress(address, allowed)) return false;
  return port !== ownPort || !ownAddresses.includes(address);
}

@Injectable()
export class GuardedConnect {
  private own: Pick<AddressInfo, 'address' | 'port'> | null = null;

  constructor(private readonly settings: Settings) {}

  /** Call when the broker's own listener has its port; it is never connected to. */
  listensAt(address: string, port: number): void {
    this.own = { address, port };
  }

  allows(target: Target): boolean {
    return isAllowedTarget(target, {
      allowed: this.settings.hostAddressRanges,
      ownPort: this.own?.port ?? null,
      ownAddresses: ownAddresses(this.own?.address),
    });
  }

  /** throws host_address_refused, before a packet is sent or right after the handshake; errors of the network pass through */
  readonly dial = (address: string, port: number): Promise<Socket> => {
    if (!this.allows({ address, port })) return Promise.reject(new ProtocolError('host_address_refused'));
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, family: isIP(address), lookup: refuseNames });
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      socket.setTimeout(CONNECT_MS_MAX, () =>
        fail(new ProtocolError('peer_unreachable', { reason: 'connect timeout' })),
      );
      socket.once('error', fail);
      socket.once('connect', () => {
        const led = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
        if (!this.allows(led)) return fail(new ProtocolError('host_address_refused'));
        socket.setTimeout(0);
        socket.removeAllListeners('timeout');
        socket.off('error', fail);
        resolve(socket);
      });
    });
  };
}

/** A listener on every address is reached at each address of this machine. */
function ownAddresses(listening: string | undefined): string[] {
  const all = Object.values(networkInterfaces()).flatMap((network) => network ?? []);
  return [...all.map(({ address }) => address), ...(listening === undefined ? [] : [plainAddress(listening)])];
}

/** A literal address is never looked up; should it be after all, there is no answer. */
function refuseNames(_name: string, _options: object, callback: (error: Error, address: string) => void): void {
  callback(new ProtocolError('host_address_refused'), '');
}

// Datagrams on the real network: IPv4 multicast and broadcast, IPv6 link-local multicast, on every interface that is there.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Clock, Log } from '#process';
import { type LanInterface, lanInterfaces } from './lan-interfaces.js';
import { LanMedium, type LanOrigin, type OnDatagram } from './lan-medium.js';
import { LAN_INTERFACES_MS, LAN_RULES, type LanRules } from './lan-rules.js';

export interface LanSocketOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly rules?: Pick<LanRules, 'port' | 'group4' | 'group6'>;
  /** Asked again and again: interfaces come and go. */
  readonly interfaces?: () => readonly LanInterface[];
}

/** One that says what goes out by one interface. What comes back to it are answers to this machine alone. */
interface Sender {
  readonly socket: Socket;
  readonly targets: readonly string[];
}

/** Datagrams do not leave the network: no router hands them on. */
const HOPS_MAX = 1;

export class LanSocket extends LanMedium {
  private readonly rules: Pick<LanRules, 'port' | 'group4' | 'group6'>;
  private readonly receivers = new Map<LanInterface['family'], Socket>();
  private readonly senders = new Map<string, Sender>();
  private onDatagram: OnDatagram = () => undefined;
  private cancelLook: (() => void) | null = null;
  private closed = false;

  constructor(private readonly options: LanSocketOptions) {
    super();
    this.rules = options.rules ?? LAN_RULES;
  }

  async open(onDatagram: OnDatagram): Promise<boolean> {
    this.onDatagram = onDatagram;
    for (const family of ['ipv4', 'ipv6'] as const) {
      const socket = createSocket({ type: typeOf(family), reuseAddr: true, ipv6Only: family === 'ipv6' });
      // Several processes of one machine share the port; each hears what is said to everybody.
      if (await this.bind(socket, { port: this.rules.port })) this.receivers.set(family, socket);
    }
    await this.look();
    return this.receivers.size > 0;
  }

  send(datagram: Uint8Array): void {
    for (const { socket, targets } of this.senders.values()) {
      for (const target of targets) this.sendBy(socket, datagram, { address: target, port: this.rules.port });
    }
  }

  reply(datagram: Uint8Array, to: LanOrigin): void {
    const socket = this.receivers.get(to.family);
    if (socket !== undefined) this.sendBy(socket, datagram, to);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cancelLook?.();
    const open = [...this.receivers.values(), ...[...this.senders.values()].map(({ socket }) => socket)];
    this.receivers.clear();
    this.senders.clear();
    await Promise.all(open.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  /** A sender for each interface that has come, none for those that have gone. */
  private async look(): Promise<void> {
    const { clock, interfaces = lanInterfaces } = this.options;
    const there = new Map(interfaces().map((one) => [nameOf(one), one]));
    for (const [name, { socket }] of this.senders) {
      if (there.has(name)) continue;
      this.senders.delete(name);
      socket.close();
    }
    for (const [name, one] of there) {
      if (!this.senders.has(name) && this.receivers.has(one.family)) await this.add(name, one);
      if (this.closed) return;
    }
    this.cancelLook = clock.schedule(LAN_INTERFACES_MS, () => void this.look());
  }

  private async add(name: string, one: LanInterface): Promise<void> {
    const { group4, group6 } = this.rules;
    const isV4 = one.family === 'ipv4';
    const place = isV4 ? one.address : `::%${one.name}`;
    const socket = createSocket({ type: typeOf(one.family) });
    // Answers are addressed to the port that it gets, which no other process shares.
    const from = isV4 ? one.address : `${one.address}%${one.name}`;
    if (!(await this.bind(socket, { address: from, port: 0 }))) return;
    if (this.closed) return void socket.close();
    try {
      this.receivers.get(one.family)?.addMembership(isV4 ? group4 : group6, place);
    } catch (error) {
      // Two addresses of one interface join once.
      this.tell('lan_group_not_joined', error);
    }
    try {
      socket.setMulticastInterface(place);
      socket.setMulticastTTL(HOPS_MAX);
      if (isV4) socket.setBroadcast(true);
    } catch (error) {
      this.tell('lan_interface_unusable', error);
      socket.close();
      return;
    }
    const targets = isV4 ? [group4, ...(one.broadcast === null ? [] : [one.broadcast])] : [`${group6}%${one.name}`];
    this.senders.set(name, { socket, targets });
  }

  private async bind(socket: Socket, at: { readonly address?: string; readonly port: number }): Promise<boolean> {
    socket.on('message', (datagram, from) => this.heard(datagram, from));
    return new Promise((resolve) => {
      socket.once('error', (error) => {
        this.tell('lan_not_bound', error);
        socket.close();
        resolve(false);
      });
      socket.bind({ ...at, exclusive: false }, () => {
        socket.removeAllListeners('error');
        // An interface that goes down fails what is sent by it; the next look finds it gone.
        socket.on('error', (error) => this.tell('lan_socket_failed', error));
        // It stays referenced until it is closed: timers are not, and a command that waits for neighbours alone would end.
        resolve(true);
      });
    });
  }

  private heard(datagram: Uint8Array, { address, port, family }: RemoteInfo): void {
    if (!this.closed) this.onDatagram(datagram, { address, port, family: family === 'IPv6' ? 'ipv6' : 'ipv4' });
  }

  private sendBy(socket: Socket, datagram: Uint8Array, to: { readonly address: string; readonly port: number }): void {
    socket.send(datagram, to.port, to.address, (error) => {
      if (error !== null) this.tell('lan_not_sent', error);
    });
  }

  private tell(event: string, error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    this.options.log.debug({ event, errno: code ?? 'unknown' });
  }
}

function typeOf(family: LanInterface['family']): 'udp4' | 'udp6' {
  return family === 'ipv4' ? 'udp4' : 'udp6';
}

function nameOf({ name, family, address, bits }: LanInterface): string {
  return `${name} ${family} ${address}/${bits}`;
}

// Carries neighbours' connections to the broker, and nowhere else (T7): their TLS with it, of which this machine sees nothing.
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { PeerHome } from '#peer-home';
import {
  addressTowards,
  brokerSubject,
  brokerWayOver,
  type LanInterface,
  lanInterfaces,
  tunnelTarget,
} from '#peer-link';
import { Clock, Log } from '#process';
import type { PeerId } from '#protocol';
import { AgentConfig } from '../config.js';
import {
  TUNNEL_BYTES_MAX,
  TUNNEL_CONNECT_MS_MAX,
  TUNNEL_IDLE_MS_MAX,
  TUNNEL_LIFE_MS_MAX,
  TUNNELS_MAX,
  TUNNELS_OF_PEER_MAX,
} from '../limits.js';
import { type AskedTunnel, ShardListener } from '../serving/shard-listener.js';
import { HostTime } from '../state/host-time.js';
import type { Holdings } from './lan-holdings.js';
import { LanNode } from './lan-node.js';

@Injectable()
export class BrokerTunnels {
  private readonly open = new Map<Socket, PeerId>();
  private readonly interfaces: () => readonly LanInterface[];
  /** Whether this machine last reached the broker by itself; a way that a neighbour lends is not lent on. */
  private isDirect = true;

  constructor(
    { lan = null }: AgentConfig,
    private readonly home: PeerHome,
    broker: BrokerClient,
    node: LanNode,
    listener: ShardListener,
    time: HostTime,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.interfaces = lan?.interfaces ?? lanInterfaces;
    if (node.open === null) return;
    node.answerWith('post', this.way());
    listener.tunnelBy((asked) => this.take(asked));
    // And the other way round: where this machine has no way itself, a neighbour may.
    const onDirect = (): void => {
      this.isDirect = true;
    };
    const onNeighbour = ({ peerId }: { readonly peerId: PeerId }, reason: string): void => {
      this.isDirect = false;
      log.info({ event: 'broker_by_neighbour', peerId, reason });
    };
    broker.reachBy(brokerWayOver(node.open, { home, nowMs: () => time.nowMs(), clock, onDirect, onNeighbour }));
  }

  /** Connections that are carried now. */
  get count(): number {
    return this.open.size;
  }

  /** Whoever needs a way to this broker finds it here; whether the broker is in reach now, its approval shows. */
  private way(): Holdings {
    const own = brokerSubject(this.home.identity.broker);
    return { has: async (subject) => subject === own && this.isDirect, progressOf: async () => null };
  }

  private take(asked: AskedTunnel): void {
    const { clientId, socket } = asked;
    socket.on('error', () => socket.destroy());
    const status = clientId === 'broker' ? 403 : this.refusalOf(asked, clientId);
    if (status === null && clientId !== 'broker') {
      this.carry(asked, clientId);
      return;
    }
    this.log.info({ event: 'tunnel_refused', clientId, status });
    refuse(socket, status ?? 403);
  }

  /** Only neighbours, only to the broker that this home knows, and only so many. */
  private refusalOf({ target, from }: AskedTunnel, clientId: PeerId): 403 | 503 | null {
    const isNeighbour = from !== null && addressTowards(plainAddress(from), this.interfaces()) !== null;
    if (!isNeighbour || target !== tunnelTarget(this.home.identity.broker)) return 403;
    const own = [...this.open.values()].filter((peerId) => peerId === clientId).length;
    return this.open.size >= TUNNELS_MAX || own >= TUNNELS_OF_PEER_MAX ? 503 : null;
  }

  private carry({ socket, head }: AskedTunnel, clientId: PeerId): void {
    const { host, port } = this.home.identity.broker;
    const upstream = connect({ host, port, noDelay: true });
    this.open.set(upstream, clientId);
    const end = (): void => {
      cancelConnect();
      cancelLife();
      upstream.destroy();
      socket.destroy();
    };
    const cancelConnect = this.clock.schedule(TUNNEL_CONNECT_MS_MAX, () => {
      if (upstream.connecting) upstream.destroy();
    });
    const cancelLife = this.clock.schedule(TUNNEL_LIFE_MS_MAX, end);
    let isThere = false;
    upstream.setTimeout(TUNNEL_IDLE_MS_MAX, end);
    upstream.once('connect', () => {
      isThere = true;
      socket.write(answer(200));
      if (head.length > 0) upstream.write(head);
      join(socket, upstream, end);
      this.log.info({ event: 'tunnel_opened', clientId });
    });
    upstream.on('error', () => undefined);
    upstream.once('close', () => {
      if (!isThere) refuse(socket, 503);
      // It ended well: its last bytes are under way.
      else if (upstream.readableEnded) socket.end(end);
      else end();
    });
    socket.once('close', () => {
      this.open.delete(upstream);
      end();
    });
  }
}

/** Both ways, with back-pressure, within the bytes of a tunnel. */
function join(socket: Duplex, upstream: Socket, end: () => void): void {
  let bytes = 0;
  const count = (piece: Buffer): void => {
    bytes += piece.length;
    if (bytes > TUNNEL_BYTES_MAX) end();
  };
  socket.on('data', count);
  upstream.on('data', count);
  socket.pipe(upstream);
  upstream.pipe(socket);
}

const REASONS = { 200: 'OK', 403: 'Forbidden', 503: 'Service Unavailable' } as const;

/** Node watches such a connection no longer, and nobody reads it: it would not close by itself. */
function refuse(socket: Duplex, status: 403 | 503): void {
  socket.end(answer(status), () => socket.destroy());
}

function answer(status: keyof typeof REASONS): string {
  return `HTTP/1.1 ${status} ${REASONS[status]}\r\n\r\n`;
}

/** An IPv4 address that came in by a socket of IPv6. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}

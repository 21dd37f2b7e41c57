// How many connections one remote network may hold open: without this, one network can hold all that the broker takes.
import type { Server } from 'node:net';
import type { Clock, Log } from '#process';
import { networkOf } from '../enrolment/network-of.js';
import { REFUSED_CONNECTIONS_LOG_MS } from '../limits.js';
import { plainAddress } from '../presence/judge-address.js';

export interface ConnectionBound {
  readonly perNetworkMax: number;
  /** Is this the address of a proxy of ours? Whoever speaks through one is bounded by the proxy. */
  readonly isExempt: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Close every new connection of a network that has `perNetworkMax` open, before its TLS handshake. */
export function boundConnections(server: Server, { perNetworkMax, isExempt, clock, log }: ConnectionBound): void {
  // At most one entry for each open connection, and those are bounded by the listener.
  const open = new Map<string, number>();
  let refused = 0;
  let quietUntilMs = Number.NEGATIVE_INFINITY;

  /** A flood must not become a flood of lines: one a minute tells how many there were since the last. */
  const tellRefused = (): void => {
    refused++;
    const nowMs = clock.monotonicMs();
    if (nowMs < quietUntilMs) return;
    log.warn({ event: 'connections_refused', reason: 'too many of one network', connections: refused });
    refused = 0;
    quietUntilMs = nowMs + REFUSED_CONNECTIONS_LOG_MS;
  };

  server.on('connection', (socket) => {
    const { remoteAddress } = socket;
    // It was cut before anybody looked: nothing is open.
    if (remoteAddress === undefined || isExempt(plainAddress(remoteAddress))) return;
    const network = networkOf(remoteAddress);
    const held = open.get(network) ?? 0;
    if (held >= perNetworkMax) {
      socket.destroy();
      tellRefused();
      return;
    }
    open.set(network, held + 1);
    socket.once('close', () => {
      const left = (open.get(network) ?? 0) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}

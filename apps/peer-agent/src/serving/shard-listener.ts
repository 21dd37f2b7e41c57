// The HTTPS listener for peers: mutual TLS 1.3, one application, bounded in everything; each request to its handler.
import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { PeerHome } from '#peer-home';
import { Clock, Log } from '#process';
import { ALPN_SHARDS, formatTime, ProtocolError, type Requester, type TransactionId } from '#protocol';
import {
  CONNECTIONS_MAX,
  HANDSHAKE_MS_MAX,
  HEADER_BYTES_MAX,
  HEADERS_MS_MAX,
  IDLE_CONNECTION_MS_MAX,
  REQUEST_MS_MAX,
  SOCKET_BUFFER_BYTES,
} from '../limits.js';
import { RefusalTally } from '../reports/refusal-tally.js';
import { HostTime } from '../state/host-time.js';
import { answerProblem, drain } from './answers.js';
import { hostRefusal } from './host-refusal.js';
import { peerOfConnection } from './peer-of-connection.js';
import { Routes } from './routes.js';

/** A connection of a peer that is to lead elsewhere from now on. */
export interface AskedTunnel {
  readonly clientId: Requester;
  /** As CONNECT names it. */
  readonly target: string;
  /** Of the network connection; null for one that came by a relay. */
  readonly from: string | null;
  readonly socket: Duplex;
  /** What came behind the request. */
  readonly head: Buffer;
}

@Injectable()
export class ShardListener {
  private readonly server: Server;
  private readonly connections = new Set<Duplex>();
  private readonly peers = new WeakMap<object, Requester>();
  private listeningPort = 0;
  private isStopping = false;

  constructor(
    private readonly home: PeerHome,
    private readonly routes: Routes,
    private readonly tally: RefusalTally,
    private readonly time: HostTime,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.server = createServer({
      ...this.credentials(),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_SHARDS],
      // No resumption: a resumed session would carry a certificate that nobody has checked again.
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: HANDSHAKE_MS_MAX,
      headersTimeout: HEADERS_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: IDLE_CONNECTION_MS_MAX,
      maxHeaderSize: HEADER_BYTES_MAX,
      highWaterMark: SOCKET_BUFFER_BYTES,
      noDelay: true,
    });
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.on('connection', (socket: Duplex) => this.keep(socket));
    // Before the listener of node:https, which would begin to parse HTTP.
    this.server.prependListener('secureConnection', (socket: TLSSocket) => this.admitConnection(socket));
    this.server.on('tlsClientError', (error) => this.log.debug({ event: 'handshake_refused', err: error }));
    this.server.on('request', (request, response) => this.serve(request, response));
    this.server.on('checkContinue', (request, response) => this.serve(request, response));
  }

  /** 0 before listen. */
  get port(): number {
    return this.listeningPort;
  }

  /** Returns the port: that of the address, or a free one for 0. */
  async listen(address: { host: string; port: number }): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(address.port, address.host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    // EMFILE and its kind: one connection is not accepted, and the host goes on.
    this.server.on('error', (error) => this.log.warn({ event: 'accept_failed', err: error }));
    this.listeningPort = (this.server.address() as AddressInfo).port;
    return this.listeningPort;
  }

  /**
   * Take a stream as if it had connected to the port: a peer begins its TLS in it. One bound holds for both kinds.
   *
   * throws   host_stopping | host_busy
   */
  adopt(stream: Duplex): void {
    if (this.isStopping) throw new ProtocolError('host_stopping');
    if (this.connections.size >= CONNECTIONS_MAX) throw new ProtocolError('host_busy');
    this.server.emit('connection', stream);
  }

  /** Peers may ask for a way to elsewhere (CONNECT) from now on; without it such connections are closed. */
  tunnelBy(take: (asked: AskedTunnel) => void): void {
    this.server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const clientId = this.peers.get(request.socket);
      if (clientId === undefined || this.isStopping) {
        socket.destroy();
        return;
      }
      const from = request.socket.remoteAddress ?? null;
      take({ clientId, target: request.url ?? '', from, socket, head });
    });
  }

  /** New connections see the certificate that the home holds by then. */
  useRenewedCertificate(): void {
    this.server.setSecureContext(this.credentials());
  }

  /** No new connections; idle ones go. Those with a request under way stay until destroyConnections. */
  stopListening(): void {
    this.isStopping = true;
    if (this.server.listening) this.server.close();
    this.server.closeIdleConnections();
  }

  destroyConnections(): void {
    for (const socket of this.connections) socket.destroy();
  }

  private credentials(): { cert: string; key: string; ca: string[] } {
    return { cert: this.home.certificate().pem, key: this.home.privateKeyPem, ca: [this.home.caPem] };
  }

  /** The server counts those that connected to its port, and none that were adopted. */
  private keep(socket: Duplex): void {
    if (this.connections.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    this.connections.add(socket);
    socket.once('close', () => this.connections.delete(socket));
  }

  private admitConnection(socket: TLSSocket): void {
    const peerId = peerOfConnection(socket, this.home.identity.trustDomain);
    if (peerId !== null) {
      this.peers.set(socket, peerId);
      return;
    }
    this.log.debug({ event: 'connection_refused' });
    socket.destroy();
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const clientId = this.peers.get(request.socket);
    if (clientId === undefined) {
      request.socket.destroy();
      return;
    }
    this.routes
      .run(request, response, clientId)
      .catch((error: unknown) => this.refuse(request, response, clientId, error));
  }

  private refuse(request: IncomingMessage, response: ServerResponse, clientId: Requester, error: unknown): void {
    const refusal = hostRefusal(error);
    const transactionId = (refusal.facts.transactionId as TransactionId | undefined) ?? null;
    if (refusal.code === 'internal') this.log.error({ event: 'request_mistake', err: error });
    else this.log.info({ event: 'request_refused', code: refusal.code, clientId, transactionId });
    // The broker has the answer itself.
    if (clientId !== 'broker') {
      this.tally.record({ code: refusal.code, clientId, transactionId, at: formatTime(this.time.nowMs()) });
    }
    // A part of an answer has gone out: cut off, it is plainly incomplete.
    if (response.headersSent && !response.writableEnded) response.destroy();
    else answerProblem(response, refusal);
    drain(request, this.clock);
  }
}

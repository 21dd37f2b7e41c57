// The web listener of a relay: browsers come by https with the operator's certificate, each to the peer that its host name names.
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type Clock, html, type ListenAddress, type Log } from '#process';
import { type ErrorCode, isRefusal, ProtocolError } from '#protocol';
import type { AttachedPeer } from '../attach/attached-peer.js';
import { HANDSHAKE_MS_MAX } from '../limits.js';
import { findVisited, placeOf } from './find-visited.js';
import {
  type ForwardParts,
  forwardSocket,
  forwardVisit,
  type VisitorRequest,
  type VisitorResponse,
} from './forward-visit.js';
import {
  VISITOR_CHECK_MS,
  VISITOR_CONNECTIONS_MAX,
  VISITOR_CONNECTIONS_PER_NETWORK_MAX,
  VISITOR_HEADER_BYTES_MAX,
  VISITOR_HEADERS_MS_MAX,
  VISITOR_IDLE_MS_MAX,
  VISITOR_KEEP_ALIVE_MS,
  VISITOR_REQUEST_MS_MAX,
  VISITOR_STREAMS_MAX,
} from './limits.js';
import { VisitorPlaces } from './visitor-places.js';
import type { Visits } from './visits.js';

export interface VisitCredentials {
  /** For `*.DOMAIN`, with the certificates above it; the operator's. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface VisitListenerParts {
  readonly credentials: VisitCredentials;
  readonly relayDomain: () => string | null;
  readonly peers: () => Iterable<AttachedPeer>;
  readonly visits: Visits;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRefused: (code: ErrorCode) => void;
}

export class VisitListener {
  private readonly server: Http2SecureServer;
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly sockets = new Set<Socket>();
  private readonly places = new VisitorPlaces(VISITOR_CONNECTIONS_PER_NETWORK_MAX);

  constructor(private readonly parts: VisitListenerParts) {
    this.server = createSecureServer({
      cert: parts.credentials.certificatePem,
      key: parts.credentials.privateKeyPem,
      minVersion: 'TLSv1.2',
      allowHTTP1: true,
      handshakeTimeout: HANDSHAKE_MS_MAX,
      settings: {
        maxConcurrentStreams: VISITOR_STREAMS_MAX,
        maxHeaderListSize: VISITOR_HEADER_BYTES_MAX,
        enablePush: false,
      },
    });
    // As options they would have no effect: a server of both versions reads them here alone.
    Object.assign(this.server, HTTP1_BOUNDS);
    this.server.maxConnections = VISITOR_CONNECTIONS_MAX;
    this.server.on('connection', (socket: Socket) => this.accept(socket));
    this.server.on('session', (session) => {
      this.keep(this.sessions, session);
      session.on('error', (error) => parts.log.debug({ event: 'visitor_lost', err: error }));
      session.setTimeout(VISITOR_IDLE_MS_MAX, () => session.close());
    });
    this.server.on('sessionError', (error) => parts.log.debug({ event: 'visitor_lost', err: error }));
    this.server.on('tlsClientError', (error) => parts.log.debug({ event: 'visitor_refused', err: error }));
    this.server.on('request', (request, response) => this.serve(request, response));
    this.server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      this.forward(request, (parts) => forwardSocket(request, socket, head, parts)).catch((error: unknown) => {
        const { status } = this.refusalOf(error);
        const answer = `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
        // Node watches this connection no longer, and nobody reads it.
        socket.end(answer, () => socket.destroy());
      });
    });
  }

  /** Returns the port: that of the address, or a free one for 0. */
  async listen({ host, port }: ListenAddress): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    // EMFILE and its kind: one connection is not accepted, and the relay goes on.
    this.server.on('error', (error) => this.parts.log.warn({ event: 'accept_failed', err: error }));
    return (this.server.address() as AddressInfo).port;
  }

  /** No new connections; visits under way go on. */
  stopListening(): void {
    if (this.server.listening) this.server.close();
    for (const session of this.sessions) session.close();
  }

  destroy(): void {
    this.stopListening();
    for (const session of this.sessions) session.destroy();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Before its TLS handshake. */
  private accept(socket: Socket): void {
    const giveBack = this.places.take(socket.remoteAddress ?? '');
    if (giveBack === null) {
      this.parts.onRefused('relay_full');
      socket.destroy();
      return;
    }
    socket.once('close', giveBack);
    this.keep(this.sockets, socket);
  }

  private serve(request: VisitorRequest, response: VisitorResponse): void {
    request.on('error', (error: unknown) => this.parts.log.debug({ event: 'visit_lost', err: error }));
    response.on('error', (error: unknown) => this.parts.log.debug({ event: 'visit_lost', err: error }));
    this.forward(request, (parts) => forwardVisit(request, response, parts)).catch((error: unknown) => {
      const refusal = this.refusalOf(error);
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      response.writeHead(refusal.status, PAGE_HEADERS);
      response.end(refusalPage(refusal));
      request.resume();
    });
  }

  /** throws what `forward` does, and name_unknown | peer_not_attached */
  private async forward(request: VisitorRequest, forward: (parts: ForwardParts) => Promise<void>): Promise<void> {
    const { peers, relayDomain, visits, clock } = this.parts;
    const authority = request.headers[':authority'] ?? request.headers.host;
    const place = placeOf(typeof authority === 'string' ? authority : undefined, relayDomain());
    await forward({ visits, peer: findVisited(peers(), place.name), place, clock });
  }

  private refusalOf(error: unknown): ProtocolError {
    const { log, onRefused } = this.parts;
    const refusal = isRefusal(error) ? error : new ProtocolError('internal', {}, { cause: error });
    if (refusal.code === 'internal') log.error({ event: 'visit_mistake', err: error });
    else log.debug({ event: 'visit_refused', code: refusal.code });
    onRefused(refusal.code);
    return refusal;
  }

  private keep<T extends { once(event: 'close', listener: () => void): unknown }>(all: Set<T>, one: T): void {
    all.add(one);
    one.once('close', () => all.delete(one));
  }
}

/** Of connections that speak HTTP/1.1; the types of Node leave them out. */
const HTTP1_BOUNDS = {
  connectionsCheckingInterval: VISITOR_CHECK_MS,
  headersTimeout: VISITOR_HEADERS_MS_MAX,
  requestTimeout: VISITOR_REQUEST_MS_MAX,
  keepAliveTimeout: VISITOR_KEEP_ALIVE_MS,
  /** Of a connection on which nothing moves, also while a request is under way. */
  timeout: VISITOR_IDLE_MS_MAX,
  maxHeaderSize: VISITOR_HEADER_BYTES_MAX,
};

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

/** Says nothing of which peers there are: an unknown name, one that is away and one that lets nobody in look the same. */
function refusalPage({ code, status }: ProtocolError): string {
  const away = code === 'name_unknown' || code === 'peer_not_attached' || code === 'peer_unreachable';
  const text = away
    ? 'This machine is not connected at the moment, or there is none of this name. Try again in a while.'
    : status === 503
      ? 'There is too much to do at the moment. Try again in a while.'
      : 'This request cannot be passed on.';
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Not reached</title></head>
<body><main><h1>Not reached</h1><p>${text}</p></main></body></html>
`.toString();
}

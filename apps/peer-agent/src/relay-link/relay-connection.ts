// One connection to a relay: this peer dials it, and then serves HTTP/2 on it (SPEC §13.3).
import {
  constants,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import {
  ATTACHMENT_PATH,
  type AttachmentAnswer,
  type AttachmentRole,
  attachmentRequest,
  BULK_PATH,
  bulkRequest,
  CODE_HEADER,
  cut,
  keepAlive,
  TUNNEL_OPTIONS,
  widen,
} from '#peer-link';
import type { Clock, Log } from '#process';
import { isRefusal, type PeerId, ProtocolError } from '#protocol';
import { readStreamBody } from './read-stream-body.js';
import { type RelayVisits, VISIT_HEADER } from './relay-visits.js';

/** What the connections to one relay have in common. */
export interface RelayServing {
  readonly relayId: PeerId;
  readonly ownId: PeerId;
  /** The lease that is shown when the relay asks. */
  readonly lease: () => string;
  /** The relay knows this connection from here on. */
  readonly attached: (connection: RelayConnection) => void;
  readonly openBulk: (connections: number) => void;
  /** Take a stream as a connection of a peer. throws host_busy | host_stopping */
  readonly carry: (stream: ServerHttp2Stream) => void;
  readonly visits: RelayVisits;
  readonly clock: Clock;
  readonly log: Log;
}

export class RelayConnection {
  private readonly session: ServerHttp2Session;
  private readonly streams = new Set<ServerHttp2Stream>();
  private isAttached = false;

  /** socket   trusted as the relay's, and nothing was sent or read on it */
  constructor(
    socket: TLSSocket,
    readonly role: AttachmentRole,
    private readonly serving: RelayServing,
    onClose: (connection: RelayConnection) => void,
  ) {
    const settings = { ...TUNNEL_OPTIONS.settings, enableConnectProtocol: true };
    this.session = performServerHandshake(socket, { ...TUNNEL_OPTIONS, settings });
    widen(this.session);
    keepAlive(this.session, serving.clock);
    this.session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => this.serve(stream, headers));
    // Whoever waits hears of the end; what the matter was is for the log.
    this.session.on('error', (error) => serving.log.debug({ event: 'relay_connection_failed', err: error }));
    this.session.once('close', () => onClose(this));
  }

  /** Streams that carry a peer, or a visitor. */
  get carried(): number {
    return this.streams.size;
  }

  /** No further streams; closes when those that stand have ended. */
  end(): void {
    this.session.close();
  }

  destroy(): void {
    cut(this.session);
  }

  private serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    // A stream that breaks ends what it carries, and that is told there.
    stream.on('error', (error) => this.serving.log.debug({ event: 'relay_stream_failed', err: error }));
    this.answer(stream, headers).catch((error: unknown) => this.refuse(stream, error));
  }

  /** throws what the relay is refused with */
  private async answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const { ':method': method, ':path': path } = headers;
    if (method === 'POST' && path === ATTACHMENT_PATH) return this.attach(stream);
    if (!this.isAttached) throw new ProtocolError('peer_not_attached');
    if (this.role === 'control') {
      if (method === 'POST' && path === BULK_PATH) return this.openBulk(stream);
      throw new ProtocolError('route_unknown');
    }
    if (headers[VISIT_HEADER] !== undefined) return this.visit(stream, headers);
    if (method === 'CONNECT' && headers[':protocol'] === undefined) return this.connect(stream, headers);
    throw new ProtocolError('route_unknown');
  }

  private async attach(stream: ServerHttp2Stream): Promise<void> {
    const { relayId, clock, lease, attached } = this.serving;
    const asked = await readStreamBody(stream, attachmentRequest, clock);
    if (asked.relayId !== relayId) throw new ProtocolError('lease_wrong_relay', { relayId });
    const answer: AttachmentAnswer = { lease: lease(), role: this.role };
    respond(stream, answer);
    if (this.isAttached) return;
    this.isAttached = true;
    attached(this);
  }

  private async openBulk(stream: ServerHttp2Stream): Promise<void> {
    const { connections } = await readStreamBody(stream, bulkRequest, this.serving.clock);
    respond(stream, {});
    this.serving.openBulk(connections);
  }

  /** The stream is a connection of a peer from here on: its own TLS begins in it. */
  private connect(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { ownId, carry } = this.serving;
    if (headers[':authority'] !== ownId) throw new ProtocolError('lease_wrong_peer', { hostId: ownId });
    if (stream.destroyed) return;
    carry(stream);
    stream.respond({ ':status': 200 });
    this.count(stream);
  }

  private visit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    this.count(stream);
    this.serving.visits.serve(new Http2ServerRequest(stream, headers, {}, []), new Http2ServerResponse(stream));
  }

  private count(stream: ServerHttp2Stream): void {
    this.streams.add(stream);
    stream.once('close', () => this.streams.delete(stream));
  }

  private refuse(stream: ServerHttp2Stream, error: unknown): void {
    const { log, relayId } = this.serving;
    if (!isRefusal(error)) log.error({ event: 'relay_request_mistake', relayId, err: error });
    const refusal = isRefusal(error) ? error : new ProtocolError('internal', {}, { cause: error });
    log.info({ event: 'relay_request_refused', relayId, code: refusal.code });
    if (stream.destroyed || stream.headersSent) {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    stream.respond({ ':status': refusal.status, [CODE_HEADER]: refusal.code }, { endStream: true });
    stream.resume();
  }
}

function respond(stream: ServerHttp2Stream, answer: object): void {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end(JSON.stringify(answer));
}

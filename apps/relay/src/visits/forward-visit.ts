// Sends a visitor's request over the peer's own connection, and its answer back (requirements F3, F4).
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type {
  ClientHttp2Stream,
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';
import type { AttachedPeer } from '../attach/attached-peer.js';
import type { VisitPlace } from './find-visited.js';
import { VISIT_ANSWER_MS_MAX, VISIT_BODY_BYTES_MAX } from './limits.js';
import type { VisitParts } from './visit.js';
import { headersToPeer, headersToVisitor } from './visit-headers.js';
import type { Visits } from './visits.js';

export type VisitorRequest = IncomingMessage | Http2ServerRequest;
export type VisitorResponse = ServerResponse | Http2ServerResponse;

export interface ForwardParts {
  readonly visits: Visits;
  readonly peer: AttachedPeer;
  readonly place: VisitPlace;
  readonly clock: Clock;
}

/** throws relay_full | lease_spent | peer_not_attached | peer_unreachable | request_invalid, before anything is answered */
export async function forwardVisit(
  request: VisitorRequest,
  response: VisitorResponse,
  parts: ForwardParts,
): Promise<void> {
  const lengthBytes = Number(request.headers['content-length'] ?? 0);
  if (lengthBytes > VISIT_BODY_BYTES_MAX)
    throw new ProtocolError('request_invalid', { bytesMax: VISIT_BODY_BYTES_MAX });
  const headers = headersToPeer(request.headers, factsOf(request, parts.place));
  // By HTTP/2 both are one stream; what Node puts around it tells less of how a stream ends.
  if ('stream' in request) {
    const stream = request.stream as ServerHttp2Stream;
    await carry({ headers, request: stream, response: stream, bodyBytesMax: VISIT_BODY_BYTES_MAX }, parts, (answer) => {
      stream.respond({ ...headersToVisitor(answer), ':status': Number(answer[':status']) });
      return true;
    });
    return;
  }
  const output = response as ServerResponse;
  await carry({ headers, request, response: output, bodyBytesMax: VISIT_BODY_BYTES_MAX }, parts, (answer) => {
    output.writeHead(Number(answer[':status']), headersToVisitor(answer));
    return true;
  });
}

/**
 * A WebSocket: the upgrade of HTTP/1.1 (RFC 6455 §4.1) becomes an extended CONNECT to the peer (RFC 8441 §5).
 *
 * throws   as forwardVisit does
 */
export async function forwardSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  parts: ForwardParts,
): Promise<void> {
  const key = request.headers['sec-websocket-key'];
  const isSocket = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
  if (!isSocket || key === undefined) throw new ProtocolError('request_invalid');
  const { 'sec-websocket-key': _, ...others } = request.headers;
  const facts = { ...factsOf(request, parts.place), method: 'CONNECT' };
  const headers = { ...headersToPeer(others, facts), ':protocol': 'websocket' };
  if (head.length > 0) socket.unshift(head);
  await carry({ headers, request: socket, response: socket, bodyBytesMax: null }, parts, (answer) => {
    const isOpen = Number(answer[':status']) === 200;
    socket.write(
      isOpen ? switching(key, answer) : 'HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    return isOpen;
  });
}

async function carry(
  { headers, ...sides }: { headers: OutgoingHttpHeaders } & Pick<VisitParts, 'request' | 'response' | 'bodyBytesMax'>,
  { visits, peer, clock }: ForwardParts,
  begin: (answer: IncomingHttpHeaders) => boolean,
): Promise<void> {
  const serve = peer.lease;
  if (serve === null) throw new ProtocolError('peer_not_attached');
  if (serve.isSpent) throw new ProtocolError('lease_spent');
  const giveBack = visits.take(peer.peerId);
  let stream: ClientHttp2Stream;
  try {
    const attachment = await peer.carrier();
    if (sides.response.destroyed) return giveBack();
    stream = attachment.request(headers);
  } catch (error) {
    giveBack();
    throw error;
  }
  const visit = visits.run({ peerId: peer.peerId, ...sides, peer: stream, serve, clock }, giveBack);
  const answer = await answerOf(stream, clock);
  if (sides.response.destroyed) return;
  if (visit.isBroken) throw new ProtocolError('peer_unreachable');
  if (begin(answer)) visit.answered();
  else visit.end();
}

/** The head of the peer's answer. throws peer_unreachable */
function answerOf(stream: ClientHttp2Stream, clock: Clock): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void => {
      cancel();
      reject(new ProtocolError('peer_unreachable', {}, { cause }));
    };
    const cancel = clock.schedule(VISIT_ANSWER_MS_MAX, () => {
      fail();
      stream.close();
    });
    stream.on('error', fail);
    stream.once('close', () => fail());
    stream.once('response', (headers) => {
      cancel();
      resolve(headers);
    });
  });
}

function factsOf(request: VisitorRequest, { host, authority }: VisitPlace) {
  const path = request.url ?? '';
  // No address of a server, and no `*`: this is no proxy.
  if (!path.startsWith('/')) throw new ProtocolError('request_invalid');
  return { method: request.method ?? 'GET', path, host, authority, address: request.socket.remoteAddress ?? '' };
}

/** RFC 6455 §4.2.2: the proof that this was asked for as a WebSocket. */
function switching(key: string, answer: IncomingHttpHeaders): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const agreed = ['sec-websocket-protocol', 'sec-websocket-extensions'].flatMap((name) =>
    answer[name] === undefined ? [] : [`${name}: ${answer[name]}`],
  );
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
  ];
  return `${[...lines, ...agreed].join('\r\n')}\r\n\r\n`;
}

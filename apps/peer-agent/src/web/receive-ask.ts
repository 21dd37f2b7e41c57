// A request as the pages see it, of what Node hands over: HTTP/1.1 of this machine, or HTTP/2 of a relay.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { ProtocolError } from '#protocol';
import { WEB_BODY_BYTES_MAX } from './limits.js';
import type { WebAsk, WebWay } from './web-message.js';

export type WebRequest = IncomingMessage | Http2ServerRequest;
export type WebResponse = ServerResponse | Http2ServerResponse;

export function receiveAsk(request: WebRequest, gone: AbortSignal, way: WebWay): WebAsk {
  const target = request.url ?? '/';
  // Visitors come to their relay by https; it tells under which name.
  const host = request.headers[':authority'] ?? request.headers.host ?? '';
  return {
    method: request.method ?? 'GET',
    path: target.replace(/[?#].*$/s, ''),
    headers: request.headers,
    way,
    origin: `${way === 'visit' ? 'https' : 'http'}://${String(host).toLowerCase()}`,
    gone,
    body: () => readBody(request),
  };
}

async function readBody(request: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > WEB_BODY_BYTES_MAX) throw new ProtocolError('request_invalid', { bytesMax: WEB_BODY_BYTES_MAX });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

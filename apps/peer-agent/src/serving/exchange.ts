// One request of a peer: who asks, for which shard, with what token. Parsed once.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ContentId, contentIdField, type PeerId, ProtocolError, type TokenOp } from '#protocol';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clientId: PeerId;
  readonly op: TokenOp;
  readonly cid: ContentId;
  readonly token: string;
}

const PATH = /^\/shards\/([^/?#]+)$/;
const CREDENTIALS = /^Peerkeep ([!-~]+)$/i;

/** throws route_unknown | request_invalid | token_missing */
export function readExchange(request: IncomingMessage, response: ServerResponse, clientId: PeerId): Exchange {
  const op = opOf(request.method);
  const text = PATH.exec(request.url ?? '')?.[1];
  if (op === null || text === undefined) throw new ProtocolError('route_unknown');
  const cid = contentIdField.safeParse(text);
  if (!cid.success) throw new ProtocolError('request_invalid', { field: 'cid' });
  const token = CREDENTIALS.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new ProtocolError('token_missing');
  return { request, response, clientId, op, cid: cid.data, token };
}

function opOf(method: string | undefined): TokenOp | null {
  if (method === 'PUT') return 'put';
  if (method === 'GET') return 'get';
  return null;
}

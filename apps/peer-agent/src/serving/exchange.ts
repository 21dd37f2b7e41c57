// One request of a peer: who asks, for what, with what token. Parsed once.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ContentId, type PeerOp, ProtocolError, type Requester } from '#protocol';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clientId: Requester;
  readonly op: PeerOp | 'batch';
  /** The shard that the path names; null for a request that is about none, or about several. */
  readonly cid: ContentId | null;
  /** Out of the headers; null where the body begins with it. */
  readonly token: string | null;
}

/** What does the work of one kind of request. Throws every refusal that leaves its token as it was. */
export interface Handler {
  run(exchange: Exchange): Promise<void>;
}

const CREDENTIALS = /^Peerkeep ([!-~]+)$/i;

/** throws token_missing */
export function tokenOfHeaders(request: IncomingMessage): string {
  const token = CREDENTIALS.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new ProtocolError('token_missing');
  return token;
}

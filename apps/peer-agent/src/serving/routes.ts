// The requests that peers may make (SPEC §8), a row each: which one it is, what it does to a shard, and who does it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { contentIdField, type PeerOp, ProtocolError, type Requester } from '#protocol';
import { HandleBatch } from '../batches/handle-batch.js';
import { type Exchange, type Handler, tokenOfHeaders } from './exchange.js';
import { HandleAudit } from './handle-audit.js';
import { HandleDelete } from './handle-delete.js';
import { HandleGet } from './handle-get.js';
import { HandleProbe } from './handle-probe.js';
import { HandlePut } from './handle-put.js';
import { HandleStream } from './handle-stream.js';

interface Route {
  readonly method: string;
  /** Its one group, where it has one, is the content id. */
  readonly path: RegExp;
  /** With a Range header, without one, or either. */
  readonly range?: boolean;
  readonly op: PeerOp | 'batch';
  readonly tokenIn: 'headers' | 'body';
  readonly handler: Handler;
}

const SHARD = /^\/shards\/([^/?#]+)$/;
const BATCH = /^\/batch$/;
const AUDIT = /^\/audits\/([^/?#]+)$/;
const PROBE = /^\/probe$/;

@Injectable()
export class Routes {
  private readonly routes: readonly Route[];

  constructor(
    put: HandlePut,
    get: HandleGet,
    stream: HandleStream,
    remove: HandleDelete,
    batch: HandleBatch,
    audit: HandleAudit,
    probe: HandleProbe,
  ) {
    this.routes = [
      { method: 'PUT', path: SHARD, op: 'put', tokenIn: 'headers', handler: put },
      { method: 'GET', path: SHARD, range: false, op: 'get', tokenIn: 'headers', handler: get },
      { method: 'GET', path: SHARD, range: true, op: 'stream', tokenIn: 'headers', handler: stream },
      { method: 'DELETE', path: SHARD, op: 'delete', tokenIn: 'headers', handler: remove },
      { method: 'POST', path: BATCH, op: 'batch', tokenIn: 'body', handler: batch },
      { method: 'POST', path: AUDIT, op: 'audit', tokenIn: 'headers', handler: audit },
      { method: 'GET', path: PROBE, op: 'probe', tokenIn: 'headers', handler: probe },
    ];
  }

  /** Hand a request to its handler; throws route_unknown | request_invalid | token_missing, and what the handler throws. */
  async run(request: IncomingMessage, response: ServerResponse, clientId: Requester): Promise<void> {
    const { route, cidText } = this.find(request);
    const cid = cidText === undefined ? null : contentIdField.safeParse(cidText);
    if (cid?.success === false) throw new ProtocolError('request_invalid', { field: 'cid' });
    const exchange: Exchange = {
      request,
      response,
      clientId,
      op: route.op,
      cid: cid?.data ?? null,
      token: route.tokenIn === 'headers' ? tokenOfHeaders(request) : null,
    };
    await route.handler.run(exchange);
  }

  private find(request: IncomingMessage): { readonly route: Route; readonly cidText: string | undefined } {
    const hasRange = request.headers.range !== undefined;
    for (const route of this.routes) {
      if (request.method !== route.method || (route.range ?? hasRange) !== hasRange) continue;
      const match = route.path.exec(request.url ?? '');
      if (match !== null) return { route, cidText: match[1] };
    }
    throw new ProtocolError('route_unknown');
  }
}

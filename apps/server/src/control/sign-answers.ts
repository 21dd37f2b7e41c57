// Signs every answer to an authenticated request, refusals too, over the exact bytes that leave (SPEC §5).

import type { FastifyInstance } from 'fastify';
import type { Clock } from '#process';
import { signAnswer } from '#protocol';
import { findCaller } from './caller.js';

export function signAnswers(fastify: FastifyInstance, clock: Clock): void {
  fastify.addHook('onSend', async (request, reply, payload) => {
    const caller = findCaller(request);
    if (caller === undefined) return payload;
    const body = bytesOf(payload);
    reply.headers(
      signAnswer({
        status: reply.statusCode,
        body,
        request: caller.signature,
        key: caller.key,
        nowMs: clock.nowMs(),
      }),
    );
    return body;
  });
}

function bytesOf(payload: unknown): Buffer {
  if (payload === null || payload === undefined) return Buffer.alloc(0);
  if (typeof payload === 'string') return Buffer.from(payload, 'utf8');
  if (Buffer.isBuffer(payload)) return payload;
  throw new TypeError('an answer to a peer is never a stream');
}

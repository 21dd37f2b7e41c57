// Every error leaves through here, as an RFC 9457 problem document, or as a page for people; what went wrong inside stays
// in the log. What a known peer was refused is counted for the operator (B17).
import { randomUUID } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, Log } from '#process';
import {
  isUuidV7,
  type PeerId,
  PROBLEM_CONTENT_TYPE,
  type ProblemDocument,
  ProtocolError,
  problemFrom,
} from '#protocol';
import { RefusalCounts } from '../refusals/refusal-counts.js';
import { refusedOp } from '../refusals/refused-op.js';
import { seeOther, sendPage } from '../web/page.js';
import { problemPage, wantsPage } from '../web/problem-page.js';
import { RedirectTo } from '../web/redirect-to.js';
import { findCaller } from './caller.js';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly refusals: RefusalCounts,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (error instanceof RedirectTo) {
      seeOther(reply, error.path);
      return;
    }
    const refusal = refusalOf(error);
    const problem: ProblemDocument = problemFrom(refusal ?? new ProtocolError('internal'));
    const traceId = randomUUID();
    const route = { method: request.method, path: request.url.split('?')[0], code: problem.code, traceId };
    if (refusal === null) this.log.error({ event: 'request_failed', ...route, err: error });
    else this.log.debug({ event: 'request_refused', ...route, err: refusal });
    if (refusal !== null) this.count(request, refusal);
    const { retryAfterSeconds } = problem.facts ?? {};
    if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds));
    if (wantsPage(request)) {
      sendPage(reply, problemPage(problem, traceId));
      return;
    }
    void reply
      .status(problem.status)
      .header('content-type', PROBLEM_CONTENT_TYPE)
      .send(JSON.stringify({ ...problem, traceId }));
  }

  private count(request: FastifyRequest, { code, facts }: ProtocolError): void {
    const op = refusedOp(request.url);
    const caller = findCaller(request);
    if (op === null || caller === undefined) return;
    const { hostId } = facts;
    const host = typeof hostId === 'string' && isUuidV7(hostId) ? (hostId as PeerId) : null;
    const failure = { hostId: host, clientId: caller.peer.peerId, reporter: 'broker' as const, op, code };
    this.refusals.add([failure], this.clock.nowMs());
  }
}

/** The refusal that an error stands for; null when it is a mistake of ours. */
function refusalOf(error: unknown): ProtocolError | null {
  if (error instanceof ProtocolError) return error;
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  if (status === 404) return new ProtocolError('route_unknown', {}, { cause: error });
  if (status === 413) return new ProtocolError('request_too_large', {}, { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ProtocolError('request_invalid', {}, { cause: error });
  }
  return null;
}

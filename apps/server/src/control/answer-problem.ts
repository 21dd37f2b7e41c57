// The one form of every error that leaves the broker: an RFC 9457 problem document, or a page for people.
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '#process';
import { type ErrorCode, PROBLEM_CONTENT_TYPE, type ProblemDocument, ProtocolError, problemFrom } from '#protocol';
import { sendPage } from '../web/page.js';
import { problemPage, wantsPage } from '../web/problem-page.js';

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

const codes = new WeakMap<FastifyRequest, ErrorCode>();

/** The code that a request was refused with. */
export function codeOfRefused(request: FastifyRequest): ErrorCode | undefined {
  return codes.get(request);
}

/** Answer with the refusal; what went wrong inside stays in the log. */
export function answerProblem({ request, reply }: Exchange, error: unknown, log: Log): void {
  const refusal = refusalOf(error);
  const problem: ProblemDocument = problemFrom(refusal ?? new ProtocolError('internal'));
  codes.set(request, refusal?.code ?? 'internal');
  const traceId = randomUUID();
  const route = { method: request.method, path: request.url.split('?')[0], code: problem.code, traceId };
  if (refusal === null) log.error({ event: 'request_failed', ...route, err: error });
  else log.debug({ event: 'request_refused', ...route, err: refusal });
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

/**
 * Answer bytes that are no HTTP request, as far as somebody is there to read it, and hang up. Nothing is known of such
 * a request, so the answer is a document and never a page.
 */
export function hangUp(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const isLong = error.code === 'HPE_HEADER_OVERFLOW';
    const problem = problemFrom(new ProtocolError(isLong ? 'request_too_large' : 'request_invalid'));
    const body = JSON.stringify({ ...problem, traceId: randomUUID() });
    const { status } = problem;
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: ${PROBLEM_CONTENT_TYPE}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy(error);
}

/** The refusal that an error stands for; null when it is a mistake of ours. */
export function refusalOf(error: unknown): ProtocolError | null {
  if (error instanceof ProtocolError) return error;
  const status = error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown }).statusCode;
  if (status === 404) return new ProtocolError('route_unknown', {}, { cause: error });
  if (status === 413) return new ProtocolError('request_too_large', {}, { cause: error });
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ProtocolError('request_invalid', {}, { cause: error });
  }
  return null;
}

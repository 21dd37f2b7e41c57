// Every error leaves through here, as an RFC 9457 problem document; what went wrong inside stays in the log.
import { randomUUID } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Log } from '#process';
import { PROBLEM_CONTENT_TYPE, type ProblemDocument, ProtocolError, problemFrom } from '#protocol';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const refusal = refusalOf(error);
    const problem: ProblemDocument = problemFrom(refusal ?? new ProtocolError('internal'));
    const traceId = randomUUID();
    const route = { method: request.method, path: request.url.split('?')[0], code: problem.code, traceId };
    if (refusal === null) this.log.error({ event: 'request_failed', ...route, err: error });
    else this.log.debug({ event: 'request_refused', ...route, err: refusal });
    void http
      .getResponse<FastifyReply>()
      .status(problem.status)
      .header('content-type', PROBLEM_CONTENT_TYPE)
      .send(JSON.stringify({ ...problem, traceId }));
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

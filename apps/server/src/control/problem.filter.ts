// Every error of a route leaves through here, in the one form of answerProblem. What a known peer was refused is counted
// for the operator (B17).
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, Log } from '#process';
import { isUuidV7, type PeerId, type ProtocolError } from '#protocol';
import { RefusalCounts } from '../refusals/refusal-counts.js';
import { refusedOp } from '../refusals/refused-op.js';
import { seeOther } from '../web/page.js';
import { RedirectTo } from '../web/redirect-to.js';
import { answerProblem, refusalOf } from './answer-problem.js';
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
    if (refusal !== null) this.count(request, refusal);
    answerProblem({ request, reply }, error, this.log);
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

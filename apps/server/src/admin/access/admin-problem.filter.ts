// Every error of a route of the admin interface leaves through here, as on the public listener.
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Log } from '#process';
import { answerProblem, refusalOf } from '../../control/answer-problem.js';

@Catch()
export class AdminProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    // RFC 9110 §11.6.1: an answer 401 names the scheme.
    if (refusalOf(error)?.code === 'admin_key_invalid') reply.header('www-authenticate', 'Bearer');
    answerProblem({ request, reply }, error, this.log);
  }
}

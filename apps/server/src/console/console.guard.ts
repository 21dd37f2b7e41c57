// Stands before every route of the console's data: somebody is signed in, and what changes something is asked by a page
// of ours in this very browser, as for forms.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProtocolError } from '#protocol';
import { WebAddress } from '../platform/web-address.js';
import { setSession } from '../sessions/session.js';
import { Sessions } from '../sessions/sessions.js';
import { sessionCookieOf } from '../web/cookies.js';
import { isFormToken } from '../web/form-token.js';
import { isFromOrigin } from '../web/from-origin.js';

export const FORM_TOKEN_HEADER = 'x-form-token';

@Injectable()
export class ConsoleGuard implements CanActivate {
  constructor(
    private readonly sessions: Sessions,
    private readonly webAddress: WebAddress,
  ) {}

  /** throws session_missing | form_foreign */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const { headers } = request;
    const secret = sessionCookieOf(request);
    const session = await this.sessions.find(secret);
    if (session === null || secret === null) throw new ProtocolError('session_missing');
    http.getResponse<FastifyReply>().headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    setSession(request, session);
    if (request.method === 'GET' || request.method === 'HEAD') return true;
    const token = headers[FORM_TOKEN_HEADER];
    const isOurs = isFromOrigin(headers, this.webAddress.originFor(headers.host));
    if (!isOurs || typeof token !== 'string' || !isFormToken(token, secret)) throw new ProtocolError('form_foreign');
    return true;
  }
}

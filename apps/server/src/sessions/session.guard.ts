// Lets signed-in people through; others go to the sign-in page first and come back.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { sessionCookieOf } from '../web/cookies.js';
import { RedirectTo } from '../web/redirect-to.js';
import { setSession } from './session.js';
import { Sessions, signInPath } from './sessions.js';

@Injectable()
export class SessionGuard implements CanActivate {
  constructor(private readonly sessions: Sessions) {}

  /** throws RedirectTo; a form that was posted without a session returns to the page's own address, by GET */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const session = await this.sessions.find(sessionCookieOf(request));
    if (session === null) throw new RedirectTo(signInPath(request.method === 'GET' ? request.url : '/account'));
    setSession(request, session);
    return true;
  }
}

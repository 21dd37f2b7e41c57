// Who is signed in to the request that is being handled. Set by the session guard only; taken by @CurrentSession().
import { strict as assert } from 'node:assert';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AccountId } from '#protocol';

export interface Session {
  /** SHA-256 of the secret id, base64url: names the row, opens nothing. */
  readonly idHash: string;
  readonly accountId: AccountId;
  /** Unix ms of the sign-in with a password. */
  readonly signedInAtMs: number;
  /** Value of the hidden field FORM_TOKEN_FIELD of every form. */
  readonly csrfToken: string;
}

const sessions = new WeakMap<object, Session>();

export function setSession(request: object, session: Session): void {
  sessions.set(request, session);
}

export const CurrentSession = createParamDecorator((_: unknown, context: ExecutionContext): Session => {
  const session = sessions.get(context.switchToHttp().getRequest<object>());
  assert(session !== undefined, 'a page that takes the session has the session guard');
  return session;
});

// Whose admin key came with the request that is being handled. Set by the admin guard only.
import { strict as assert } from 'node:assert';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { AdminKey } from './admin-keys.js';

export interface AdminCaller {
  readonly key: AdminKey;
  /** Under which the same request may come again; null without one. */
  readonly idempotencyKey: string | null;
  /** SHA-256 of method, address and body, base64url: tells whether it is the same request. */
  readonly requestHash: string;
}

const callers = new WeakMap<object, AdminCaller>();

export function setAdmin(request: object, caller: AdminCaller): void {
  callers.set(request, caller);
}

export const CurrentAdmin = createParamDecorator((_: unknown, context: ExecutionContext): AdminCaller => {
  const caller = callers.get(context.switchToHttp().getRequest<object>());
  assert(caller !== undefined, 'the guard stands before every route');
  return caller;
});

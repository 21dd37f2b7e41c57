// Who signed the request that is being handled. Set by the message guard only; controllers take it by @CurrentCaller().
import { strict as assert } from 'node:assert';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { RequestSignature, TransactionKey } from '#protocol';
import type { KnownPeer } from '../peers/peer-directory.js';

export interface Caller {
  readonly peer: KnownPeer;
  /** The key that signed the request; the answer is signed with it too. */
  readonly key: TransactionKey;
  readonly signature: RequestSignature;
}

const callers = new WeakMap<object, Caller>();

export function setCaller(request: object, caller: Caller): void {
  callers.set(request, caller);
}

export function findCaller(request: object): Caller | undefined {
  return callers.get(request);
}

export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const caller = findCaller(context.switchToHttp().getRequest<object>());
  assert(caller !== undefined, 'a route that takes the caller is signed');
  return caller;
});

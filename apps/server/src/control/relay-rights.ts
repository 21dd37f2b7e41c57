// What relays may ask: a relay carries, and neither stores nor owns anything, so every other route refuses it.
import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { ProtocolError } from '#protocol';
import type { Caller } from './caller.js';

const RIGHT = 'peerkeep:relays';
type RelayRight = 'too' | 'alone';

/** A route for machines and relays: what a program needs to stay a peer. */
export const ForRelaysToo = (): MethodDecorator & ClassDecorator => SetMetadata(RIGHT, 'too' satisfies RelayRight);

/** A route for relays alone. */
export const ForRelaysAlone = (): MethodDecorator & ClassDecorator => SetMetadata(RIGHT, 'alone' satisfies RelayRight);

/** throws relay_not_allowed: a relay, and the route is not for it | relay_unknown: no relay, and the route is for relays */
export function checkRelayRight(reflector: Reflector, context: ExecutionContext, { peer }: Caller): void {
  const right = reflector.getAllAndOverride<RelayRight | undefined>(RIGHT, [context.getHandler(), context.getClass()]);
  if (peer.kind === 'relay') {
    if (right === undefined) throw new ProtocolError('relay_not_allowed');
  } else if (right === 'alone') throw new ProtocolError('relay_unknown');
}

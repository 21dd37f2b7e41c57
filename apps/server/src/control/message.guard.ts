// Stands before every route: reads the raw body, authenticates the message, and only then parses JSON.
import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ProtocolError } from '#protocol';
import { AuthenticateMessage } from './authenticate-message.js';
import { setCaller } from './caller.js';

const UNSIGNED = 'peerkeep:unsigned';

/** A route that anybody may call: enrolment, where TLS and the pin protect, and health. */
export const Unsigned = (): MethodDecorator & ClassDecorator => SetMetadata(UNSIGNED, true);

@Injectable()
export class MessageGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticate: AuthenticateMessage,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    const unsigned = this.reflector.getAllAndOverride<boolean | undefined>(UNSIGNED, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (unsigned !== true) {
      const targetUri = `https://${request.headers.host ?? ''}${request.url}`;
      const message = { method: request.method, targetUri, headers: request.headers, body };
      await this.authenticate.run(message, (caller) => setCaller(request, caller));
    }
    request.body = parseJson(body);
    return true;
  }
}

function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch (error) {
    throw new ProtocolError('request_invalid', {}, { detail: 'the body is not JSON', cause: error });
  }
}

// Stands before every route: reads the raw body, authenticates the message, and only then parses JSON.
import { strict as assert } from 'node:assert';
import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ProtocolError } from '#protocol';
import { FormFields } from '../web/form-fields.js';
import { AuthenticateMessage } from './authenticate-message.js';
import { findCaller, setCaller } from './caller.js';
import { checkRelayRight } from './relay-rights.js';

const UNSIGNED = 'peerkeep:unsigned';
const NOT_JSON = 'the body is not JSON';
const TAKES_FORMS = 'peerkeep:takes-forms';

/** A route that anybody may call: enrolment, where TLS and the pin protect, and health. */
export const Unsigned = (): MethodDecorator & ClassDecorator => SetMetadata(UNSIGNED, true);

/** A route of the web pages: its body is a form, which FormGuard judges. */
export const TakesForms = (): MethodDecorator & ClassDecorator => SetMetadata(TAKES_FORMS, true);

@Injectable()
export class MessageGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticate: AuthenticateMessage,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    if (!this.isMarked(UNSIGNED, context)) {
      const targetUri = `https://${request.headers.host ?? ''}${request.url}`;
      const message = { method: request.method, targetUri, headers: request.headers, body };
      await this.authenticate.run(message, (caller) => setCaller(request, caller));
      const caller = findCaller(request);
      assert(caller !== undefined, 'authenticated');
      checkRelayRight(this.reflector, context, caller);
    }
    if (!(request.body instanceof FormFields)) {
      request.body = parseJson(body);
      return true;
    }
    // Any page on the Internet can make a browser send a form; only web pages take one.
    if (!this.isMarked(TAKES_FORMS, context)) throw new ProtocolError('request_invalid', {}, { detail: NOT_JSON });
    return true;
  }

  private isMarked(mark: string, context: ExecutionContext): boolean {
    return this.reflector.getAllAndOverride(mark, [context.getHandler(), context.getClass()]) === true;
  }
}

/** throws request_invalid */
export function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch (error) {
    throw new ProtocolError('request_invalid', {}, { detail: NOT_JSON, cause: error });
  }
}

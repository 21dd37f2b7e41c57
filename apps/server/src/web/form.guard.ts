// Stands before every POST of a web page: the form comes from a page of ours, shown in this browser (CSRF).
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProtocolError } from '#protocol';
import { WebAddress } from '../platform/web-address.js';
import { ensureFormSecret, formSecretsOf } from './cookies.js';
import { FormFields } from './form-fields.js';
import { FORM_TOKEN_FIELD, formTokenOf, isFormToken } from './form-token.js';
import { isFromOrigin } from './from-origin.js';
import { type Html, html } from './html.js';

@Injectable()
export class FormGuard implements CanActivate {
  constructor(private readonly webAddress: WebAddress) {}

  /** throws form_foreign | request_invalid (no form) */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method === 'GET' || request.method === 'HEAD') return true;
    const { headers } = request;
    if (!isFromOrigin(headers, this.webAddress.originFor(headers.host))) throw new ProtocolError('form_foreign');
    if (!(request.body instanceof FormFields)) {
      throw new ProtocolError('request_invalid', {}, { detail: 'the body is not a form' });
    }
    const token = request.body.fields[FORM_TOKEN_FIELD] ?? '';
    const shownHere = formSecretsOf(request).some((secret) => isFormToken(token, secret));
    if (!shownHere) throw new ProtocolError('form_foreign');
    return true;
  }
}

/** The hidden field that every form of ours carries; gives the browser its cookie when it has none. */
export function formTokenField(request: FastifyRequest, reply: FastifyReply): Html {
  const token = formTokenOf(ensureFormSecret(request, reply));
  return html`<input type="hidden" name="${FORM_TOKEN_FIELD}" value="${token}">`;
}

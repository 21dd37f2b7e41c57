// The token that ties a form to the browser it was shown in (CSRF). Pure.
import { createHmac } from 'node:crypto';
import { encodeBase64url, equalInConstantTime, utf8 } from '#protocol';

export const FORM_TOKEN_FIELD = 'form_token';

/**
 * The token of the forms shown to a visitor.
 *
 * secret   the value of a cookie that only this browser has: of its session, or before one of its forms. A token that
 *          leaks with a page does not tell it
 */
export function formTokenOf(secret: string): string {
  return encodeBase64url(createHmac('sha256', secret).update('peerkeep/1/form-token').digest());
}

export function isFormToken(text: string, secret: string): boolean {
  return equalInConstantTime(utf8(text), utf8(formTokenOf(secret)));
}

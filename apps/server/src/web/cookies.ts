// The two cookies of the web pages: the session's, and before one the forms'.
import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { base64urlLength, encodeBase64url, KEY_BYTES } from '#protocol';

// `__Host-` binds a cookie to this very host over TLS: no sub-domain and no plain page can set it (RFC 6265bis §4.1.3.2).
const SESSION_COOKIE = '__Host-peerkeep';
const FORM_COOKIE = '__Host-peerkeep-form';

const ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const;

/** The secret id of the session that the browser claims; null when there is none in its form. */
export function sessionCookieOf(request: FastifyRequest): string | null {
  return secretOf(request, SESSION_COOKIE);
}

export function setSessionCookie(reply: FastifyReply, secret: string, lifeMs: number): void {
  reply.setCookie(SESSION_COOKIE, secret, { ...ATTRIBUTES, maxAge: Math.floor(lifeMs / 1_000) });
}

export function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(SESSION_COOKIE, ATTRIBUTES);
}

/**
 * What ties forms to this browser: its session's secret and the forms' own. Both count: a page that was reached from a
 * mail is shown without the session's cookie (SameSite), and its form is sent with it.
 */
export function formSecretsOf(request: FastifyRequest): string[] {
  return [sessionCookieOf(request), secretOf(request, FORM_COOKIE)].filter((secret) => secret !== null);
}

/** One of them for a page that shows a form; a browser without any is given one. */
export function ensureFormSecret(request: FastifyRequest, reply: FastifyReply): string {
  const [known] = formSecretsOf(request);
  if (known !== undefined) return known;
  const secret = encodeBase64url(randomBytes(KEY_BYTES));
  reply.setCookie(FORM_COOKIE, secret, ATTRIBUTES);
  return secret;
}

function secretOf(request: FastifyRequest, name: string): string | null {
  const value = request.cookies[name];
  return value !== undefined && base64urlLength(value) === KEY_BYTES ? value : null;
}

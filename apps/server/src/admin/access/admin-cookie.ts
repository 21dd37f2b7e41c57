// The cookie of a browser in which an admin key is signed in.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { base64urlLength, KEY_BYTES } from '#protocol';

// Cookies know no ports: the public listener on the same host is sent it too, and looks at no cookie of this name.
const COOKIE = '__Host-peerkeep-admin';

const ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const;

/** The secret of the session that the browser claims; null when there is none in its form. */
export function adminCookieOf(request: FastifyRequest): string | null {
  const value = request.cookies[COOKIE];
  return value !== undefined && base64urlLength(value) === KEY_BYTES ? value : null;
}

export function setAdminCookie(reply: FastifyReply, secret: string, lifeMs: number): void {
  reply.setCookie(COOKIE, secret, { ...ATTRIBUTES, maxAge: Math.floor(lifeMs / 1_000) });
}

export function clearAdminCookie(reply: FastifyReply): void {
  reply.clearCookie(COOKIE, ATTRIBUTES);
}

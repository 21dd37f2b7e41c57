// Who may ask where others can reach the view: whoever knows its password.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Basic authentication, RFC 7617; the time it takes tells nothing about the password. */
export function isAllowedUser({ authorization }: IncomingHttpHeaders, wanted: Credentials | null): boolean {
  if (wanted === null) return true;
  const match = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization ?? '');
  const given = match === null ? '' : Buffer.from(match[1]!, 'base64').toString();
  return timingSafeEqual(digestOf(given), digestOf(`${wanted.user}:${wanted.password}`));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

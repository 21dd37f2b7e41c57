// Who is signed in to the pages: the owner, in a few browsers, until a while after; forgotten when the agent ends.
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { base64urlLength, encodeBase64url, KEY_BYTES } from '#protocol';
import { SESSION_LIFE_MS, SESSIONS_MAX } from './limits.js';
import type { WebWay } from './web-message.js';

// `__Host-` binds a cookie to this very host: no neighbour under the relays' domain can set or see it (RFC 6265bis §4.1.3.2).
const COOKIE = '__Host-peerkeep-owner';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';

interface Session {
  readonly way: WebWay;
  readonly untilMs: number;
}

export class Sessions {
  /** By the hash of the secret, oldest first. */
  private readonly sessions = new Map<string, Session>();

  /** Begin a session; returns the header that gives its secret to the browser. */
  begin(way: WebWay, nowMs: number): { readonly 'set-cookie': string } {
    this.removeEnded(nowMs);
    for (const [hash] of this.sessions) {
      if (this.sessions.size < SESSIONS_MAX) break;
      this.sessions.delete(hash);
    }
    const secret = encodeBase64url(randomBytes(KEY_BYTES));
    this.sessions.set(hashOf(secret), { way, untilMs: nowMs + SESSION_LIFE_MS });
    return { 'set-cookie': `${COOKIE}=${secret}; ${ATTRIBUTES}; Max-Age=${SESSION_LIFE_MS / 1_000}` };
  }

  /** Is this browser signed in? A session that was begun on this machine is none for a relay, which sees its visitors' cookies. */
  isOwner(headers: IncomingHttpHeaders, way: WebWay, nowMs: number): boolean {
    const session = this.sessions.get(keyOf(headers));
    return session !== undefined && session.way === way && session.untilMs > nowMs;
  }

  end(headers: IncomingHttpHeaders): { readonly 'set-cookie': string } {
    this.sessions.delete(keyOf(headers));
    return { 'set-cookie': `${COOKIE}=; ${ATTRIBUTES}; Max-Age=0` };
  }

  private removeEnded(nowMs: number): void {
    for (const [hash, { untilMs }] of this.sessions) if (untilMs <= nowMs) this.sessions.delete(hash);
  }
}

/** Of the cookie's secret; empty, which is the key of no session, without one in its form. */
function keyOf({ cookie = '' }: IncomingHttpHeaders): string {
  const values = cookie
    .split(/;\s*/)
    .flatMap((pair) => (pair.startsWith(`${COOKIE}=`) ? [pair.slice(COOKIE.length + 1)] : []));
  const [secret] = values;
  if (secret === undefined || values.length !== 1 || base64urlLength(secret) !== KEY_BYTES) return '';
  return hashOf(secret);
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

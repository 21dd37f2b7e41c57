// Where a sign-in may return to: a path of this site and nothing else. Pure.
import { NEXT_PATH_CHARS_MAX } from './limits.js';

/**
 * The path to return to, or `/account`. Refused are other origins in all their spellings: `//host`, `/\host`, schemes,
 * control characters that browsers drop before they read the address, and dots or slashes that come out as `//host`.
 */
export function ownPath(text: unknown): string {
  const fallback = '/account';
  if (typeof text !== 'string' || text.length > NEXT_PATH_CHARS_MAX) return fallback;
  // Printable ASCII without the backslash: everything else is percent-encoded in a path that we made.
  if (!/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(text)) return fallback;
  const base = 'https://own.invalid';
  if (!URL.canParse(text, base)) return fallback;
  const url = new URL(text, base);
  if (url.origin !== base || url.pathname.startsWith('//')) return fallback;
  return `${url.pathname}${url.search}`;
}

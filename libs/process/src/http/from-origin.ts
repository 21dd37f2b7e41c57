// Does a request that changes something come from a page of one origin, as the browser tells? Pure.
import type { IncomingHttpHeaders } from 'node:http';

/** Browsers tell where a request was made. One that tells neither way is none that we know. */
export function isFromOrigin(headers: IncomingHttpHeaders, own: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const { origin } = headers;
  if (origin === undefined) return site === 'same-origin';
  return origin === own;
}

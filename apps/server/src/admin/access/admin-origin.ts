// The one web origin whose pages may use the admin interface: the listener's own.
import { strict as assert } from 'node:assert';
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { isFromOrigin } from '../../web/from-origin.js';

export class AdminOrigin {
  private own: string | null = null;

  /** Called once the listener has its port. */
  listensAt(host: string, port: number): void {
    this.own = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  }

  get text(): string {
    assert(this.own !== null, 'the listener has its port before anybody asks');
    return this.own;
  }

  /** For what comes with nothing but a cookie, which browsers send by themselves: is it from a page of this listener? */
  isOwnPage({ method, headers }: Pick<IncomingMessage, 'headers'> & { readonly method: string }): boolean {
    if (method !== 'GET' && method !== 'HEAD') return isFromOrigin(headers, this.text);
    const site = headers['sec-fetch-site'];
    // `none`: the person typed the address, or opened a bookmark.
    return site === undefined || site === 'same-origin' || site === 'none';
  }

  /** A program tells no origin. What a browser tells must be ours, whatever name the request calls us by. */
  isForeign(origin: string | undefined): boolean {
    return origin !== undefined && origin !== this.own;
  }
}

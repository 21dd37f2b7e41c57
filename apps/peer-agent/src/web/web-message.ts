// A request of a browser and its answer as the pages see them, whatever carried them.
import type { IncomingHttpHeaders } from 'node:http';

/** How the request came: over the listener on this machine, or from a relay. */
export type WebWay = 'loopback' | 'visit';

export interface WebAsk {
  readonly method: string;
  /** As it was sent, percent-encoded, without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly way: WebWay;
  /** Scheme, host and port under which the browser knows these pages. */
  readonly origin: string;
  /** Raised when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
  /** The whole body. throws request_invalid for one of more than WEB_BODY_BYTES_MAX */
  body(): Promise<string>;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Called once when the answer is sent, or nobody takes it any more. */
  readonly ended?: () => void;
}

/** Of everything that is answered: no page elsewhere may read, frame or guess the type of it. */
export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
  // Not `no-referrer`: under it browsers send `Origin: null` with our own forms, and the check of the origin refuses them.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;

/** Content is saved, never shown: a browser that shows it all the same gives it no origin and runs nothing of it. */
export const CONTENT_HEADERS = {
  ...SAFE_HEADERS,
  'content-type': 'application/octet-stream',
  'content-disposition': 'attachment',
  'content-security-policy': "sandbox; default-src 'none'",
} as const;

export function seeOther(location: string, headers: WebAnswer['headers'] = {}): WebAnswer {
  return { status: 303, headers: { ...SAFE_HEADERS, ...headers, location }, body: null };
}

export function jsonAnswer(status: number, value: unknown): WebAnswer {
  const headers = { ...SAFE_HEADERS, 'content-type': 'application/json; charset=utf-8' };
  return { status, headers, body: JSON.stringify(value) };
}

/** Does whoever asks read pages, as a person with a browser does? Scripts of ours ask for what they want. */
export function wantsPage({ headers }: Pick<WebAsk, 'headers'>): boolean {
  return headers.accept?.includes('text/html') ?? false;
}

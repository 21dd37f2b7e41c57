// The one layout of all web pages, and the headers that every page carries.
import type { FastifyReply } from 'fastify';
import type { CaptchaView } from '../captcha/captcha-provider.js';
import type { Session } from '../sessions/session.js';
import { FORM_TOKEN_FIELD } from './form-token.js';
import { type Html, html } from './html.js';
import { STYLE_PATH } from './style.js';

export interface PageParts {
  /** Plain text; stands in the tab and as the page's only h1. */
  readonly title: string;
  readonly body: Html;
  /** 200 when missing. */
  readonly status?: number;
  /** Who is signed in, for the navigation. */
  readonly session?: Session | null;
  /** A challenge that the body shows: its scripts are loaded and its sources allowed. */
  readonly captcha?: CaptchaView | null;
}

export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A whole page. Pure. */
export function page(parts: PageParts): Page {
  const { title, body, status = 200, session = null, captcha = null } = parts;
  const scripts = (captcha?.scripts ?? []).map((address) => html`<script defer src="${address}"></script>`);
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Peerkeep</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLE_PATH}">
${scripts}</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header><a class="brand" href="/">Peerkeep</a><nav aria-label="Site">${navigation(session)}</nav></header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
<footer><p>People keep each other's backups.</p></footer>
</body>
</html>
`;
  return { status, headers: headersOf(captcha), text: text.toString() };
}

export function sendPage(reply: FastifyReply, { status, headers, text }: Page): void {
  void reply.status(status).headers(headers).send(text);
}

/** Answer a form that has done its work: the browser goes on with a GET of `path` (RFC 9110 §15.4.4). */
export function seeOther(reply: FastifyReply, path: string): void {
  void reply.status(303).headers(SAFE_HEADERS).header('location', path).send('');
}

function navigation(session: Session | null): Html {
  if (session === null) return html`<a href="/register">Register</a> <a href="/sign-in">Sign in</a>`;
  return html`<a href="/console">Console</a> <a href="/account">Account</a>
<form method="post" action="/sign-out"><input type="hidden" name="${FORM_TOKEN_FIELD}" value="${session.csrfToken}"><button class="quiet">Sign out</button></form>`;
}

/** Of everything that is shown to a person. */
export const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not `no-referrer`: under it browsers send `Origin: null` with our own forms (Fetch standard, "append a request
  // Origin header"), and the check of the origin would refuse them.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
} as const;

function headersOf(captcha: CaptchaView | null): Record<string, string> {
  return {
    ...SAFE_HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(captcha),
  };
}

/** Nothing but our own style sheet and forms; a challenge adds what it needs, by name. */
function contentSecurityPolicy(captcha: CaptchaView | null): string {
  const { scriptSrc = [], frameSrc = [], connectSrc = [], styleSrc = [] } = captcha?.contentSecurity ?? {};
  const directives: string[] = [
    "default-src 'none'",
    ['style-src', "'self'", ...styleSrc].join(' '),
    // The empty icon is a data address; without it browsers ask for /favicon.ico.
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  if (captcha !== null) {
    directives.push("media-src 'self'");
    if (frameSrc.length > 0) directives.push(['frame-src', ...frameSrc].join(' '));
  }
  if (captcha !== null && captcha.scripts.length > 0) {
    directives.push(
      ['script-src', "'self'", ...scriptSrc].join(' '),
      ['connect-src', "'self'", ...connectSrc].join(' '),
      "worker-src 'self'",
    );
  }
  return directives.join('; ');
}

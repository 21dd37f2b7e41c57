// The one layout of all pages, and what a browser may do on them.
import { type Html, html } from '#process';
import type { ProtocolError } from '#protocol';
import { assetPath } from './web-assets.js';
import { SAFE_HEADERS, type WebAnswer } from './web-message.js';

export interface PageParts {
  /** Plain text; stands in the tab and as the page's only h1. */
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  readonly script?: 'share' | 'owner';
  /** Somebody is signed in: the page has the owner's navigation. */
  readonly isOwner?: boolean;
}

/** Nothing but our own files; and no script of ours makes HTML from a text (W3C Trusted Types). */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // The empty icon is a data address.
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

export function page({ title, body, status = 200, script, isOwner = false }: PageParts): WebAnswer {
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Peerkeep</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${assetPath('style')}">
${script && html`<script type="module" src="${assetPath(script)}"></script>`}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header><span class="brand">Peerkeep</span>${isOwner && OWNER_NAVIGATION}</header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
  const headers = {
    ...SAFE_HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': CONTENT_SECURITY_POLICY,
  };
  return { status, headers, body: text.toString() };
}

const OWNER_NAVIGATION = html`<nav aria-label="Pages"><a href="/">Status</a> <a href="/files/">Files</a> <a href="/shares">Shares</a>
<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form></nav>`;

/** What happened, and what to do. */
export function problemPage({ status, message, hint }: ProtocolError): WebAnswer {
  const body = html`<div role="alert"><p>${capital(message)}.</p><p>${hint}</p></div>`;
  return page({ title: status === 404 ? 'Nothing here' : 'That did not work', status, body });
}

export function nothingHere(): WebAnswer {
  return page({ title: 'Nothing here', status: 404, body: html`<p>There is no page at this address.</p>` });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

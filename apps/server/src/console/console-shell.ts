// The page that a console begins with: its script and its style, and no data. And how its files are sent.
import type { FastifyReply } from 'fastify';
import { ProtocolError } from '#protocol';
import { html } from '../web/html.js';
import { ASSET_LIFE_SECONDS } from '../web/limits.js';
import { SAFE_HEADERS } from '../web/page.js';
import { type ConsoleApplication, dashboardFile, dashboardManifest } from './dashboard-files.js';

/** Nothing but our own files; and no script of ours makes HTML from a text (W3C Trusted Types). */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  // The empty icon is a data address.
  "img-src 'self' data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const TITLES = { people: 'Console – Peerkeep', operator: 'Operator – Peerkeep' } as const;

export function sendShell(reply: FastifyReply, application: ConsoleApplication): void {
  const manifest = dashboardManifest();
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${TITLES[application]}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${addressOf(manifest.style)}">
<script type="module" src="${addressOf(manifest[application])}"></script>
</head>
<body>
<div id="app"><noscript><p>The console needs scripts. Without them there are the commands, and <a href="/account">your account</a>.</p></noscript></div>
</body>
</html>
`;
  void reply
    .headers({
      ...SAFE_HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
    })
    .send(text.toString());
}

/** throws route_unknown for what is none of the build's files */
export function sendDashboardFile(reply: FastifyReply, name: string): void {
  const file = dashboardFile(name);
  if (file === undefined) throw new ProtocolError('route_unknown');
  void reply
    .headers({
      'content-type': file.type,
      'cache-control': `public, max-age=${ASSET_LIFE_SECONDS}, immutable`,
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    })
    .send(file.content);
}

function addressOf(name: string): string {
  return `/assets/console/${name}`;
}

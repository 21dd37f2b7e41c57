// An error as a page: what happened, what to do, and the id under which the operator finds it in the log.
import type { FastifyRequest } from 'fastify';
import type { ProblemDocument } from '#protocol';
import { html } from './html.js';
import { type Page, page } from './page.js';

// Programs speak to these; everything else on the broker is for people.
const FOR_PROGRAMS = /^\/(?:v1|docs|docs-json|healthz|readyz|metrics)(?:[/?]|$)/;

/** Does whoever asks read pages? A script on a page that asks for JSON does not. */
export function wantsPage(request: FastifyRequest): boolean {
  if (FOR_PROGRAMS.test(request.url)) return false;
  const accepted = request.headers.accept ?? 'text/html';
  return accepted.includes('text/html') || !accepted.includes('json');
}

/** The page of a refusal, or of a mistake of ours. Pure. */
export function problemPage({ title, detail, hint, status }: ProblemDocument, traceId: string): Page {
  const said = capital(title);
  const more = detail === undefined || detail === title ? null : html`<p>${capital(detail)}.</p>`;
  return page({
    title: said,
    status,
    body: html`<div role="alert">${more}<p>${hint}</p></div>
<p class="fine">Trace id: <code>${traceId}</code></p>
<p><a href="/">Back to the start page</a></p>`,
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

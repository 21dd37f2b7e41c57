// Posts a JSON document to where a person configured it, and tries again a few times where that may help.
import type { Clock } from './clock.js';
import { pause } from './pause.js';

export const WEBHOOK_TRIES_MAX = 4;
const WEBHOOK_TRY_MS_MAX = 10_000;
const WEBHOOK_PAUSE_MS_MIN = 1_000;

export interface WebhookResult {
  readonly ok: boolean;
  readonly tries: number;
  /** The status of the last answer, or why there was none. */
  readonly detail: string;
}

export interface WebhookRequest {
  /** One that isWebhookUrl accepts. */
  readonly url: string;
  readonly document: unknown;
  /** Headers beside those that every post has, over the body as it is sent; asked again for each try. */
  readonly headersFor?: (body: string) => Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * POST the document. Redirects are not followed: what was configured is who is told. Tried again after no answer, 429 and
 * 5xx, with pauses that double. Never throws: a warning that cannot be sent must take nothing else with it.
 */
export async function postWebhook(request: WebhookRequest): Promise<WebhookResult> {
  for (let tries = 1; ; tries++) {
    const { ok, isFinal, detail } = await tryOnce(request);
    if (ok || isFinal || tries === WEBHOOK_TRIES_MAX || request.signal.aborted) return { ok, tries, detail };
    await pause(request.clock, WEBHOOK_PAUSE_MS_MIN * 2 ** (tries - 1), request.signal);
  }
}

async function tryOnce(request: WebhookRequest): Promise<{ ok: boolean; isFinal: boolean; detail: string }> {
  const { url, document, headersFor = () => ({}), clock, signal } = request;
  const body = JSON.stringify(document);
  const attempt = new AbortController();
  const stop = (): void => attempt.abort();
  const cancel = clock.schedule(WEBHOOK_TRY_MS_MAX, stop);
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) return { ok: false, isFinal: true, detail: 'stopping' };
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'peerkeep', ...headersFor(body) },
      body,
      redirect: 'manual',
      signal: attempt.signal,
    });
    await answer.body?.cancel();
    const mayHelp = answer.status === 429 || answer.status >= 500;
    return { ok: answer.ok, isFinal: !mayHelp, detail: `status ${answer.status}` };
  } catch (error) {
    // fetch says "fetch failed", and why in its cause.
    const told = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { ok: false, isFinal: signal.aborted, detail: told instanceof Error ? told.message : String(told) };
  } finally {
    cancel();
    signal.removeEventListener('abort', stop);
  }
}

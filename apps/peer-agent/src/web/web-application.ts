// The agent's pages: which request is which, who may make it, and what becomes of errors.
import { Injectable } from '@nestjs/common';
import { Clock, isFromOrigin, Log } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import { AgentConfig } from '../config.js';
import { FilePages } from './file-pages.js';
import { WEB_REQUESTS_MAX } from './limits.js';
import { OwnerPages } from './owner-pages.js';
import { nothingHere, problemPage } from './page.js';
import { receiveAsk, type WebRequest, type WebResponse } from './receive-ask.js';
import { sendAnswer } from './send-answer.js';
import { SharePages } from './share-pages.js';
import { StatusEvents } from './status-events.js';
import { assetAnswer } from './web-assets.js';
import { jsonAnswer, SAFE_HEADERS, type WebAnswer, type WebAsk, type WebWay, wantsPage } from './web-message.js';

interface WebRoute {
  readonly method: 'GET' | 'POST';
  /** Its one group, where it has one, is handed on. */
  readonly path: RegExp;
  /** anyone: whoever reaches the pages; door: whoever may sign in; owner: whoever is signed in. */
  readonly who: 'anyone' | 'door' | 'owner';
  readonly run: (ask: WebAsk, part: string) => WebAnswer | Promise<WebAnswer>;
}

@Injectable()
export class WebApplication {
  private readonly routes: readonly WebRoute[];
  private running = 0;

  constructor(
    private readonly config: AgentConfig,
    shares: SharePages,
    private readonly owner: OwnerPages,
    files: FilePages,
    events: StatusEvents,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    const isSignedIn = (ask: WebAsk) => () => owner.isSignedIn(ask);
    this.routes = [
      {
        method: 'GET',
        path: /^\/assets\/([\w.-]+)$/,
        who: 'anyone',
        run: (_, name) => assetAnswer(name) ?? nothingHere(),
      },
      { method: 'GET', path: /^\/s\/([\w-]+)$/, who: 'anyone', run: (_, id) => shares.page(id) },
      { method: 'GET', path: /^\/s\/([\w-]+)\/head$/, who: 'anyone', run: (_, id) => shares.head(id) },
      { method: 'POST', path: /^\/s\/([\w-]+)\/downloads$/, who: 'anyone', run: (_, id) => shares.beginDownload(id) },
      { method: 'GET', path: /^\/s\/([\w-]+)\/sealed$/, who: 'anyone', run: (ask, id) => shares.sealed(id, ask) },
      { method: 'GET', path: /^\/sign-in$/, who: 'door', run: () => owner.signInPage() },
      { method: 'POST', path: /^\/sign-in$/, who: 'door', run: (ask) => owner.signIn(ask) },
      { method: 'POST', path: /^\/sign-out$/, who: 'door', run: (ask) => owner.signOut(ask) },
      { method: 'GET', path: /^\/$/, who: 'owner', run: () => owner.status() },
      { method: 'GET', path: /^\/events$/, who: 'owner', run: (ask) => events.answer(ask, isSignedIn(ask)) },
      { method: 'GET', path: /^\/files(?:\/.*)?$/, who: 'owner', run: (ask) => files.answer(ask) },
      { method: 'GET', path: /^\/shares$/, who: 'owner', run: () => owner.shares() },
      { method: 'POST', path: /^\/shares\/([\w-]+)\/revoke$/, who: 'owner', run: (_, id) => owner.revoke(id) },
    ];
  }

  /** Answer one request; never throws. */
  serve(request: WebRequest, response: WebResponse, way: WebWay): void {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    // A reader who goes away in the middle; what is left to do for it is dropped.
    response.on('error', () => gone.abort());
    request.on('error', () => gone.abort());
    const ask = receiveAsk(request, gone.signal, way);
    this.running++;
    this.exchange(ask, response)
      .catch((error: unknown) => {
        if (!gone.signal.aborted) this.log.error({ event: 'web_answer_failed', err: error });
        // Cut off, it is plainly incomplete.
        response.destroy(error instanceof Error ? error : undefined);
      })
      .finally(() => {
        this.running--;
        // The rest of a body that nobody reads must not hold the connection.
        request.resume();
      });
  }

  /** What a request is answered with. Never throws. */
  async answer(ask: WebAsk): Promise<WebAnswer> {
    try {
      return await this.run(ask);
    } catch (error) {
      if (!isRefusal(error)) this.log.error({ event: 'web_request_mistake', way: ask.way, err: error });
      const refusal = isRefusal(error) ? error : new ProtocolError('internal', {}, { cause: error });
      this.log.debug({ event: 'web_request_refused', way: ask.way, code: refusal.code });
      return refusalAnswer(refusal, ask);
    }
  }

  private async exchange(ask: WebAsk, response: WebResponse): Promise<void> {
    const answer = await this.answer(ask);
    try {
      await sendAnswer(response, answer, { isHead: ask.method === 'HEAD', gone: ask.gone, clock: this.clock });
    } finally {
      answer.ended?.();
    }
  }

  private async run(ask: WebAsk): Promise<WebAnswer> {
    if (this.running > WEB_REQUESTS_MAX) throw new ProtocolError('visits_full');
    const allowed = this.routes.filter(({ who }) => who === 'anyone' || this.hasOwnerPages(ask.way));
    const here = this.isOn(ask.way) ? allowed.filter(({ path }) => path.test(ask.path)) : [];
    const method = ask.method === 'HEAD' ? 'GET' : ask.method;
    const route = here.find((one) => one.method === method);
    if (route === undefined) return here.length === 0 ? nothingHere() : wrongMethod(here);
    if (route.method === 'POST' && !isFromOrigin(ask.headers, ask.origin)) throw new ProtocolError('origin_foreign');
    if (route.who === 'owner' && !this.owner.isSignedIn(ask)) {
      if (!wantsPage(ask)) throw new ProtocolError('sign_in_needed');
      return this.owner.signInPage(401);
    }
    return route.run(ask, route.path.exec(ask.path)?.[1] ?? '');
  }

  private isOn(way: WebWay): boolean {
    return way === 'loopback' || (this.config.web?.visits ?? 'none') !== 'none';
  }

  /** A relay sees what passes through it: the owner's pages are there only where the owner says so. */
  private hasOwnerPages(way: WebWay): boolean {
    return way === 'loopback' || this.config.web?.visits === 'owner';
  }
}

function wrongMethod(here: readonly WebRoute[]): WebAnswer {
  const allow = here.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ');
  return { status: 405, headers: { ...SAFE_HEADERS, allow }, body: null };
}

function refusalAnswer(refusal: ProtocolError, ask: WebAsk): WebAnswer {
  if (wantsPage(ask)) return problemPage(refusal);
  const { status, code, message, hint } = refusal;
  return jsonAnswer(status, { code, title: message, hint });
}

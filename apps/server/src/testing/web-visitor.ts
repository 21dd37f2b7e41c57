// A person's browser for tests of the web pages: keeps cookies, sends forms as browsers do, and solves the CAPTCHA by the
// test mode's route.
import { Agent, request } from 'undici';
import type { BrokerFixture } from './broker-fixture.js';

/** A broker in test mode, as a browser finds it. */
export type VisitedBroker = Pick<BrokerFixture, 'url' | 'caPem'>;

export interface WebAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export type SentFields = Readonly<Record<string, string>>;

/** Headers by name; null takes one away that a browser would send. */
export type HeaderChanges = Readonly<Record<string, string | null>>;

export class WebVisitor {
  readonly cookies = new Map<string, string>();
  /** Set-Cookie lines of the last answer, as they came. */
  setCookies: readonly string[] = [];

  private constructor(
    private readonly fixture: VisitedBroker,
    private readonly agent: Agent,
  ) {}

  /** address   of loopback, from which the visitor connects: a broker in test mode trusts no proxy */
  static async come(fixture: VisitedBroker, address: string | null = null): Promise<WebVisitor> {
    // The chain is checked; the name is not, so that a test may send another Host header.
    const connect = { ca: await fixture.caPem(), checkServerIdentity: () => undefined };
    return new WebVisitor(fixture, new Agent({ connect, ...(address !== null && { localAddress: address }) }));
  }

  leave(): Promise<void> {
    return this.agent.close();
  }

  get(path: string, headers: HeaderChanges = {}): Promise<WebAnswer> {
    return this.send('GET', path, null, headers);
  }

  /** Open a page, fill in its form and send it. What the form carries is kept, as `fields` do not change it. */
  async submit(pagePath: string, fields: SentFields, headers: HeaderChanges = {}): Promise<WebAnswer> {
    return this.fillIn(await this.get(pagePath), fields, headers);
  }

  /** The same for a page that is open already. */
  async fillIn(shown: WebAnswer, fields: SentFields, headers: HeaderChanges = {}): Promise<WebAnswer> {
    const form = /<form method="post" action="([^"]+)">(?:(?!<\/form>)[\s\S])*<\/form>/g;
    const forms = [...shown.text.matchAll(form)].filter(([, action]) => action !== '/sign-out');
    const chosen = forms.find(([, action]) => action === fields.action) ?? forms[0];
    if (chosen === undefined) throw new Error(`no form on this page: ${shown.status} ${shown.text}`);
    return this.post(chosen[1]!, { ...(await this.carriedBy(chosen[0])), ...fields }, headers);
  }

  post(path: string, fields: SentFields, headers: HeaderChanges = {}): Promise<WebAnswer> {
    const { action: _, ...sent } = fields;
    return this.send('POST', path, new URLSearchParams(sent).toString(), headers);
  }

  async send(method: 'GET' | 'POST', path: string, body: string | null, headers: HeaderChanges): Promise<WebAnswer> {
    const usual: Record<string, string | null> = {
      accept: 'text/html,application/xhtml+xml',
      ...(this.cookies.size > 0 && { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
      ...(body !== null && {
        'content-type': 'application/x-www-form-urlencoded',
        origin: this.fixture.url,
        'sec-fetch-site': 'same-origin',
      }),
      ...headers,
    };
    const sent = Object.fromEntries(Object.entries(usual).filter(([, value]) => value !== null)) as Record<
      string,
      string
    >;
    const answer = await request(`${this.fixture.url}${path}`, { method, headers: sent, body, dispatcher: this.agent });
    this.keepCookies(answer.headers['set-cookie']);
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  }

  /** The hidden fields of a form, and the answer to its challenge if it has one. */
  private async carriedBy(form: string): Promise<SentFields> {
    const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
    const fields = Object.fromEntries(hidden.map(([, name, value]) => [name!, value!]));
    const id = fields['captcha-id'];
    if (id === undefined) return fields;
    const { text } = await this.get(`/test/captcha/${id}`);
    return { ...fields, 'captcha-answer': (JSON.parse(text) as { answer: string }).answer };
  }

  private keepCookies(header: string | string[] | undefined): void {
    this.setCookies = header === undefined ? [] : [header].flat();
    for (const line of this.setCookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/max-age=0\b/i.test(line)) this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
  }
}

export const PASSWORD = 'correct horse battery';

/** Register an address through the pages, on a broker without mail, and sign in with it. */
export async function signedIn(
  fixture: VisitedBroker,
  email: string,
  address: string | null = null,
): Promise<WebVisitor> {
  const visitor = await WebVisitor.come(fixture, address);
  const registered = await visitor.submit('/register', { email, name: 'Ada', password: PASSWORD });
  if (registered.status !== 200) throw new Error(`registration refused: ${registered.status} ${registered.text}`);
  const answer = await visitor.submit('/sign-in', { email, password: PASSWORD });
  if (answer.status !== 303) throw new Error(`sign-in refused: ${answer.status} ${answer.text}`);
  return visitor;
}

// The frame of all web pages: who may send their forms, what they let through to a browser, how errors look.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { PASSWORD, signedIn, WebVisitor } from '../testing/web-visitor.js';
import { html, raw } from './html.js';
import { ownPath } from './own-path.js';

let fixture: BrokerFixture;
const visitors: WebVisitor[] = [];

beforeAll(async () => {
  fixture = await BrokerFixture.start({}, { testMode: true });
});

afterEach(async () => {
  await Promise.all(visitors.splice(0).map((visitor) => visitor.leave()));
});

afterAll(() => fixture.remove());

async function come(): Promise<WebVisitor> {
  const visitor = await WebVisitor.come(fixture);
  visitors.push(visitor);
  return visitor;
}

describe('html', () => {
  it('escapes what is put in, keeps what is HTML, joins lists, drops nothings', () => {
    const hostile = `<b title="x" onload='y'>&\``;
    expect(html`<p title="${hostile}">${hostile}</p>`.toString()).toBe(
      '<p title="&lt;b title=&quot;x&quot; onload=&#39;y&#39;&gt;&amp;&#96;">' +
        '&lt;b title=&quot;x&quot; onload=&#39;y&#39;&gt;&amp;&#96;</p>',
    );
    expect(html`${[html`<i>${1}</i>`, raw('<br>'), null, undefined, false, '<']}`.toString()).toBe('<i>1</i><br>&lt;');
  });
});

describe('ownPath', () => {
  it.each([
    ['/', '/'],
    ['/a?b=c#d', '/a?b=c'],
    ['/a/../b', '/b'],
    ['/..//evil.example', '/account'],
    ['/.//evil.example', '/account'],
    ['///evil.example', '/account'],
    ['/\u0009/evil.example', '/account'],
    ['http:/evil.example', '/account'],
    ['', '/account'],
    [undefined, '/account'],
    [['/a'], '/account'],
  ])('%j leads to %s', (text, path) => {
    expect(ownPath(text)).toBe(path);
  });
});

describe('forms', () => {
  const credentials = { email: 'nobody@example.org', password: 'some password' };

  it.each([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of an unknown origin', { origin: 'null' }],
    ['of the same host without TLS', { origin: 'http://127.0.0.1' }],
    ['of another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['of a sister site, as the browser says', { 'sec-fetch-site': 'same-site' }],
    ['that tell not where they are from', { origin: null, 'sec-fetch-site': null }],
    ['of no form type', { 'content-type': 'application/json' }],
    ['of plain text', { 'content-type': 'text/plain' }],
  ])('%s are refused', async (_what, headers) => {
    const answer = await (await come()).submit('/sign-in', credentials, headers);
    expect([400, 403]).toContain(answer.status);
    expect(answer.text).toContain('Trace id');
  });

  it.each([
    ['by their origin', { 'sec-fetch-site': null }],
    ['by what the browser says', { origin: null }],
  ])('are known %s alone', async (_what, headers) => {
    const answer = await (await come()).submit('/sign-in', credentials, headers);
    expect(answer.text).toContain('The e-mail address or the password is wrong.');
  });

  it('need the token of this very browser', async () => {
    const [visitor, other] = [await come(), await come()];
    const tokenOf = async (of: WebVisitor): Promise<string> =>
      /name="form_token" value="([^"]+)"/.exec((await of.get('/sign-in')).text)![1]!;
    const [own, foreign] = [await tokenOf(visitor), await tokenOf(other)];
    const wrong = 'The e-mail address or the password is wrong.';
    expect((await visitor.post('/sign-in', { ...credentials, form_token: own })).text).toContain(wrong);
    for (const form_token of [foreign, '', `${own}x`]) {
      expect((await visitor.post('/sign-in', { ...credentials, form_token })).status).toBe(403);
    }
    expect((await visitor.post('/sign-in', credentials)).status).toBe(403);
    visitor.cookies.clear();
    expect((await visitor.post('/sign-in', { ...credentials, form_token: own })).status).toBe(403);
  });

  it('sign nobody out from elsewhere', async () => {
    const visitor = await signedIn(fixture, 'csrf@example.org');
    visitors.push(visitor);
    expect((await visitor.post('/sign-out', {}, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await visitor.post('/sign-out', {})).status).toBe(403);
    expect((await visitor.get('/account')).status).toBe(200);
  });

  it('that were shown before the session cookie came along still count', async () => {
    // A page that is reached from a mail: SameSite keeps the session's cookie from the first request only.
    const visitor = await signedIn(fixture, 'mailed@example.org');
    visitors.push(visitor);
    const session = visitor.cookies.get('__Host-peerkeep')!;
    visitor.cookies.delete('__Host-peerkeep');
    const shown = await visitor.get('/sign-in');
    const form_token = /name="form_token" value="([^"]+)"/.exec(shown.text)![1]!;
    visitor.cookies.set('__Host-peerkeep', session);
    expect((await visitor.post('/sign-out', { form_token })).status).toBe(303);
  });

  it('are bounded, and name each field once', async () => {
    const visitor = await come();
    const send = (body: string): Promise<{ status: number }> =>
      visitor.send('POST', '/sign-in', body, {
        'content-type': 'application/x-www-form-urlencoded',
        origin: fixture.url,
      });
    expect((await send('a=1&a=2')).status).toBe(400);
    expect((await send(Array.from({ length: 65 }, (_, i) => `f${i}=1`).join('&'))).status).toBe(400);
    expect((await send(`a=${'x'.repeat(16 * 1024)}`)).status).toBe(413);
    expect((await send('__proto__=1&toString=2')).status).toBe(403);
    expect((await visitor.get('/sign-in')).status).toBe(200);
  });

  it('reach no route of the programs', async () => {
    const visitor = await come();
    const answer = await visitor.post('/v1/enrolments', { name: 'box' });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'request_invalid', detail: 'the body is not JSON' });
  });
});

describe('pages', () => {
  it.each(['/', '/register', '/sign-in', '/nowhere'])('%s carries what keeps a browser safe', async (path) => {
    const { headers, text } = await (await come()).get(path);
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual(
      expect.arrayContaining(["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]),
    );
    expect(policy.join()).not.toMatch(/unsafe|script-src|\*/);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'x-frame-options': 'DENY',
    });
    expect(text).not.toMatch(/<style|style="|<script|\son\w+=/);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
  });

  it('show names and addresses as text, whatever is in them', async () => {
    const visitor = await come();
    const hostile = `<img src=x onerror=alert(1)>"'&`;
    const email = `o'hara&co@example.org`;
    const refused = await visitor.submit('/register', {
      email: `"><script>${email}`,
      name: hostile,
      password: 'short',
    });
    expect(refused.text).toContain('value="&quot;&gt;&lt;script&gt;o&#39;hara&amp;co@example.org"');
    await visitor.submit('/register', { email, name: hostile, password: PASSWORD });
    await visitor.submit('/sign-in', { email, password: PASSWORD });
    const { text } = await visitor.get('/account');
    expect(text).toContain('<dd>&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;</dd>');
    expect(text).toContain('<dd>o&#39;hara&amp;co@example.org</dd>');
    expect(text).not.toContain('<img src=x');
  });

  it('tell of errors in words, and programs in documents', async () => {
    const visitor = await come();
    const missing = await visitor.get('/nowhere');
    expect([missing.status, missing.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(missing.text).toContain('<h1>There is no such route</h1>');
    for (const [path, accept] of [
      ['/v1/nowhere', 'text/html'],
      ['/nowhere', 'application/json'],
    ] as const) {
      const answer = await visitor.get(path, { accept });
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(JSON.parse(answer.text).code).toBe('route_unknown');
    }
  });

  it('share one style sheet that browsers may keep', async () => {
    const visitor = await come();
    const [, address] = /<link rel="stylesheet" href="([^"]+)">/.exec((await visitor.get('/')).text)!;
    const sheet = await visitor.get(address!);
    expect(sheet.headers['content-type']).toBe('text/css; charset=utf-8');
    expect(sheet.headers['cache-control']).toContain('immutable');
  });

  it('offer no reset on a broker without mail', async () => {
    const visitor = await come();
    expect((await visitor.get('/forgot')).status).toBe(404);
    expect((await visitor.get('/sign-in')).text).not.toContain('/forgot');
  });
});

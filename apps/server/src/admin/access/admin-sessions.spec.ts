// A browser in which an admin key is signed in (B24): how it comes to be, what it opens, from where, and how it ends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdminAnswer, AdminClient } from '../../testing/admin-client.js';
import { BrokerFixture } from '../../testing/broker-fixture.js';
import { ADMIN_SESSION_LIFE_MS, ADMIN_SESSIONS_PER_KEY_MAX, ADMIN_SIGN_IN_FAILURES_MAX } from '../limits.js';
import { OPEN_ROUTES } from '../routes/admin-routes.js';

const SECOND_MS = 1_000;
const PATH = '/v1/admin/session';
const reason = 'for the test';

let fixture: BrokerFixture;
let browser: AdminClient;
beforeAll(async () => {
  fixture = await BrokerFixture.start({ admin: { requestsPerMinute: 100_000, networkRequestsPerMinute: 100_000 } });
  browser = new AdminClient(fixture, { origin: fixture.broker.adminOrigin, 'sec-fetch-site': 'same-origin' });
});
afterAll(() => fixture.remove());

/** The cookie of a browser that signs this key in. */
async function signIn(key: string): Promise<{ cookie: string; answer: AdminAnswer }> {
  const answer = await browser.post(PATH, { key });
  const [cookie = ''] = (answer.headers['set-cookie'] ?? '').split(';');
  return { cookie, answer };
}

describe('signing a key in', () => {
  it('gives a cookie that no script reads, no other site sends, and no plain page sets', async () => {
    const { answer } = await signIn(await fixture.broker.createAdminKey({ role: 'support', name: 'sam' }));
    expect(answer.body).toMatchObject({ name: 'sam', role: 'support' });
    const line = answer.headers['set-cookie']!;
    expect(line).toMatch(/^__Host-peerkeep-admin=[\w-]{43};/);
    for (const word of [
      'HttpOnly',
      'Secure',
      'SameSite=Strict',
      'Path=/',
      `Max-Age=${ADMIN_SESSION_LIFE_MS / SECOND_MS}`,
    ]) {
      expect(line).toContain(word);
    }
    expect(line).not.toContain('Domain');
  });

  it('is done by a page of this listener only', async () => {
    const key = await fixture.broker.createAdminKey();
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ]) {
      const answer = await new AdminClient(fixture, headers as Record<string, string>).post(PATH, { key });
      expect([answer.status, answer.code]).toEqual([403, 'origin_foreign']);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  it('lives no longer than the key', async () => {
    const { answer } = await signIn(await fixture.broker.createAdminKey({ lifeMs: 60_000 }));
    expect(answer.headers['set-cookie']).toContain('Max-Age=60;');
  });

  it('is slowed down for whoever tries keys', async () => {
    for (let i = 0; i < ADMIN_SIGN_IN_FAILURES_MAX; i++) {
      expect((await signIn(`pka_${'A'.repeat(43)}`)).answer.code).toBe('admin_key_invalid');
    }
    const key = await fixture.broker.createAdminKey();
    const { answer } = await signIn(key);
    expect([answer.status, answer.code]).toEqual([429, 'rate_exceeded']);
    fixture.clock.advance(Number(answer.headers['retry-after']) * SECOND_MS);
    expect((await signIn(key)).answer.status).toBe(200);
  });
});

describe('a signed-in browser', () => {
  it('may what its key may, and changes under its name', async () => {
    const { cookie, answer } = await signIn(await fixture.broker.createAdminKey({ role: 'support' }));
    expect((await browser.get('/v1/admin', { cookie })).body).toMatchObject({
      keyId: answer.body.keyId,
      role: 'support',
    });
    const made = await browser.post('/v1/admin/enrolment-keys', { reason }, { cookie });
    expect(made.status).toBe(200);
    const log = (await browser.get('/v1/admin/log?limit=1', { cookie })).body.items as { actor: string }[];
    expect(log[0]?.actor).toBe(answer.body.keyId);
    expect((await browser.get('/v1/admin/keys', { cookie })).code).toBe('admin_role_missing');
  });

  it('changes nothing for a page that is not ours, however it is asked', async () => {
    const { cookie } = await signIn(await fixture.broker.createAdminKey());
    const others = [
      {},
      { origin: fixture.url },
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: fixture.broker.adminOrigin, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of others as Record<string, string>[]) {
      const client = new AdminClient(fixture, { cookie, ...headers });
      const answer = await client.post('/v1/admin/enrolment-keys', { reason });
      expect([headers, answer.code]).toEqual([headers, 'origin_foreign']);
    }
    // Nor is anything shown inside of one.
    for (const site of ['same-site', 'cross-site']) {
      const client = new AdminClient(fixture, { cookie, 'sec-fetch-site': site });
      expect((await client.get('/v1/admin/log')).code).toBe('origin_foreign');
    }
  });

  it('is out when its key is revoked, when its time is over, and when it signs out', async () => {
    const revoked = await signIn(await fixture.broker.createAdminKey());
    const old = await signIn(await fixture.broker.createAdminKey({ lifeMs: 30 * 86_400_000 }));
    const out = await signIn(await fixture.broker.createAdminKey());
    const look = async ({ cookie }: { cookie: string }): Promise<string | undefined> =>
      (await browser.get('/v1/admin', { cookie })).code;
    for (const each of [revoked, old, out]) expect(await look(each)).toBeUndefined();
    await browser.post(`/v1/admin/keys/${revoked.answer.body.keyId}/revoke`, { reason }, { cookie: out.cookie });
    expect(await look(revoked)).toBe('admin_key_invalid');
    const left = await browser.ask('DELETE', PATH, undefined, { cookie: out.cookie });
    expect([left.body, left.headers['set-cookie']]).toEqual([{ signedOut: true }, expect.stringMatching(/Max-Age=0/i)]);
    expect(await look(out)).toBe('admin_key_invalid');
    fixture.clock.advance(ADMIN_SESSION_LIFE_MS);
    expect(await look(old)).toBe('admin_key_invalid');
  });

  it('is one of a bounded number: the oldest goes', async () => {
    const key = await fixture.broker.createAdminKey();
    const first = await signIn(key);
    for (let i = 0; i < ADMIN_SESSIONS_PER_KEY_MAX; i++) {
      fixture.clock.advance(1);
      await signIn(key);
    }
    expect((await browser.get('/v1/admin', { cookie: first.cookie })).code).toBe('admin_key_invalid');
  });

  it('is not one of the public listener, nor the other way round', async () => {
    const { cookie } = await signIn(await fixture.broker.createAdminKey());
    const renamed = cookie.replace('__Host-peerkeep-admin', '__Host-peerkeep');
    expect((await browser.get('/v1/admin', { cookie: renamed })).code).toBe('admin_key_invalid');
  });
});

describe('what is open on the admin listener', () => {
  it('is the console’s program and its sign-in, and holds no data', async () => {
    expect(OPEN_ROUTES).toEqual([
      'GET /console',
      'GET /console/:page',
      'GET /console/:page/:id',
      'GET /assets/console/:file',
      'POST /v1/admin/session',
    ]);
    const nobody = new AdminClient(fixture, {});
    for (const path of ['/console', '/console/peers', '/console/peers/x']) {
      const { status, text, headers } = await nobody.get(path);
      expect([path, status, headers['x-frame-options']]).toEqual([path, 200, 'DENY']);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(text).not.toMatch(/pka_|019[0-9a-f]{5}-/);
    }
    for (const origin of ['https://evil.example', 'null']) {
      expect((await nobody.get('/console', { origin, accept: 'application/json' })).code).toBe('origin_foreign');
    }
    expect((await nobody.get('/assets/console/manifest.json')).status).toBe(404);
  });
});

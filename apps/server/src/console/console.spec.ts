// The console's data for people (B24): only for whoever is signed in, only of their account, and changes only from our pages.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeBase64url } from '#protocol';
import { FRESH_SIGN_IN_MS } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { TestPeer } from '../testing/test-peer.js';
import { signedIn, type WebAnswer, type WebVisitor } from '../testing/web-visitor.js';

const PATHS = ['session', 'machines', 'backups', 'credit', 'hosts'] as const;

let fixture: BrokerFixture;
let ada: WebVisitor;
let box: TestPeer;
let stranger: TestPeer;

beforeAll(async () => {
  fixture = await BrokerFixture.start({}, { testMode: true });
  ada = await signedIn(fixture, 'ada@example.org');
  const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
  const [{ id }] = await database.reads.query('SELECT id FROM accounts WHERE email = $1', ['ada@example.org']);
  await database.close();
  const { key } = await fixture.broker.createEnrolmentKey({ accountId: id });
  box = await TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
  stranger = await TestPeer.enrol(fixture);
});
afterAll(async () => {
  await ada.leave();
  await fixture.remove();
});

const bodyOf = ({ text }: WebAnswer): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
const codeOf = (answer: WebAnswer): unknown => bodyOf(answer).code;
const read = (visitor: WebVisitor, path: string): Promise<WebAnswer> => visitor.get(`/v1/console/${path}`);

async function revoke(
  visitor: WebVisitor,
  peerId: string,
  { name = 'box', headers = {} }: { name?: string; headers?: Record<string, string | null> } = {},
): Promise<WebAnswer> {
  const { formToken } = bodyOf(await read(visitor, 'session'));
  return visitor.send('POST', `/v1/console/machines/${peerId}/revoke`, JSON.stringify({ name }), {
    'content-type': 'application/json',
    'x-form-token': String(formToken),
    ...headers,
  });
}

describe('the data of the console', () => {
  it('is for whoever is signed in, and for nobody else', async () => {
    const secret = ada.cookies.get('__Host-peerkeep')!;
    const strangers = [
      {},
      { cookie: `__Host-peerkeep=${encodeBase64url(randomBytes(32))}` },
      { cookie: `peerkeep=${secret}` },
    ];
    for (const path of [...PATHS, `machines/${box.peerId}`, `machines/${box.peerId}/changes`]) {
      for (const headers of strangers) {
        const answer = await ada.get(`/v1/console/${path}`, { cookie: null, ...headers });
        expect([path, answer.status, codeOf(answer)]).toEqual([path, 401, 'session_missing']);
      }
      const answer = await read(ada, path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });

  it('is of the own account only: ids of another one are unknown', async () => {
    const { items } = bodyOf(await read(ada, 'machines')) as { items: { peerId: string }[] };
    expect(items.map(({ peerId }) => peerId)).toEqual([box.peerId]);
    for (const path of [stranger.peerId, `${stranger.peerId}/changes`, 'nobody', "' OR 1=1"]) {
      const answer = await read(ada, `machines/${encodeURIComponent(path).replace('%2F', '/')}`);
      expect([path, answer.status, codeOf(answer)]).toEqual([path, 404, 'peer_unknown']);
    }
    const refused = await revoke(ada, stranger.peerId);
    expect([refused.status, codeOf(refused)]).toEqual([404, 'peer_unknown']);
    expect((await stranger.get('/v1/peers')).status).toBe(200);
  });

  it('tells of credit what a machine of the account is told', async () => {
    expect(bodyOf(await read(ada, 'credit'))).toEqual((await box.get('/v1/credit')).body);
  });

  it.each([
    ['without a token', { 'x-form-token': null }],
    ['with a token of another browser', { 'x-form-token': encodeBase64url(randomBytes(32)) }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['from another port of this host', { 'sec-fetch-site': 'same-site' }],
    ['from nowhere', { origin: null, 'sec-fetch-site': null }],
  ])('is not changed %s', async (_what, headers) => {
    const answer = await revoke(ada, box.peerId, { headers });
    expect([answer.status, codeOf(answer)]).toEqual([403, 'form_foreign']);
  });

  it('is not changed by a form, nor by a name that is not the machine’s', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(codeOf(await revoke(ada, box.peerId, { headers: form }))).toBe('request_invalid');
    expect(codeOf(await revoke(ada, box.peerId, { name: 'box2' }))).toBe('request_invalid');
    expect((await box.get('/v1/peers')).status).toBe(200);
  });

  it('is changed for good only soon after the password was given, by the code of the account page', async () => {
    fixture.clock.advance(FRESH_SIGN_IN_MS + 1);
    expect(codeOf(await revoke(ada, box.peerId))).toBe('session_stale');
    const again = await signedInAgain();
    expect(bodyOf(await revoke(again, box.peerId))).toMatchObject({ state: 'revoked' });
    expect((await box.get('/v1/peers')).code).toBe('peer_revoked');
    const { items } = bodyOf(await read(again, `machines/${box.peerId}/changes`)) as { items: object[] };
    expect(items[0]).toMatchObject({ to: 'revoked', by: 'owner', reason: 'revoked in the console' });
  });
});

async function signedInAgain(): Promise<WebVisitor> {
  await ada.submit('/sign-in', { email: 'ada@example.org', password: 'correct horse battery' });
  return ada;
}

describe('the page of the console', () => {
  it('is shown to whoever is signed in; others sign in first and come back', async () => {
    const page = await ada.get('/console/credit');
    expect(page.status).toBe(200);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).not.toMatch(/unsafe|\*|http/);
    expect(page.text).not.toMatch(/<style|style="|<script(?! type="module" src=)|\son\w+=|ada/i);
    const away = await ada.get('/console/credit', { cookie: null });
    expect([away.status, away.headers.location]).toEqual([303, '/sign-in?next=%2Fconsole%2Fcredit']);
  });

  it('has files that browsers may keep, of the build and of nothing else', async () => {
    const { text } = await ada.get('/console');
    const addresses = [...text.matchAll(/"(\/assets\/console\/[^"]+)"/g)].map(([, address]) => address!);
    expect(addresses).toHaveLength(2);
    for (const address of addresses) {
      const { status, headers } = await ada.get(address, { cookie: null });
      expect([status, headers['x-content-type-options']]).toEqual([200, 'nosniff']);
      expect(headers['cache-control']).toContain('immutable');
    }
    for (const name of ['manifest.json', '..%2f..%2fpackage.json', '%2e%2e', 'people.js', '__proto__']) {
      expect((await ada.get(`/assets/console/${name}`)).status).toBe(404);
    }
  });
});

// Every route of the admin listener, as the listener itself tells them, asked by everybody who may not, and once by who may.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AdminAnswer, AdminClient } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { startRelay } from '../testing/relay-messages.js';
import { TestPeer } from '../testing/test-peer.js';
import { ADMIN_ROLES, hasRole } from './access/admin-role.js';
import type { AdminKeyOptions } from './access/make-admin-key.js';
import type { AdminRouteEntry } from './routes/admin-routes.js';

interface Sample {
  /** Without one, the path of the route itself. */
  readonly path?: string;
  readonly body?: object;
}

const reason = 'for the test';
const many = { requestsPerMinute: 100_000, networkRequestsPerMinute: 100_000 };

let fixture: BrokerFixture;
let operator: AdminClient;
let routes: AdminRouteEntry[];
/** What succeeds for who may, in an order in which each does. */
let samples: Map<string, Sample>;

beforeAll(async () => {
  fixture = await BrokerFixture.start({ admin: many });
  operator = await AdminClient.as(fixture, 'operator');
  const { routes: told, keyId } = (await operator.get('/v1/admin')).body as {
    routes: AdminRouteEntry[];
    keyId: string;
  };
  routes = told;
  const peer = await TestPeer.enrol(fixture);
  const { accountId } = peer.enrolled;
  const [spare] = ((await operator.get('/v1/admin/keys')).body.items as { keyId: string }[]).filter(
    (key) => key.keyId !== keyId,
  );
  const doomed = spare?.keyId ?? (await keyIdOf(await AdminClient.as(fixture, 'viewer')));
  const made = await operator.post('/v1/admin/enrolment-keys', { reason });
  const ofPeer = (verb: string): Sample => ({ path: `/v1/admin/peers/${peer.peerId}/${verb}`, body: { reason } });
  const relay = await startRelay(fixture);
  const ofRelay = (verb: string): Sample => ({ path: `/v1/admin/relays/${relay.peerId}/${verb}`, body: { reason } });
  samples = new Map<string, Sample>([
    ['GET /v1/admin', {}],
    ['GET /v1/admin/openapi.json', {}],
    ['DELETE /v1/admin/session', {}],
    ['GET /v1/admin/overview', {}],
    ['GET /v1/admin/keys', {}],
    ['POST /v1/admin/keys/:keyId/revoke', { path: `/v1/admin/keys/${doomed}/revoke`, body: { reason } }],
    ['GET /v1/admin/log', {}],
    ['GET /v1/admin/log/check', {}],
    ['GET /v1/admin/accounts', {}],
    ['GET /v1/admin/accounts/:accountId', { path: `/v1/admin/accounts/${accountId}` }],
    ['GET /v1/admin/peers', {}],
    ['GET /v1/admin/peers/:peerId', { path: `/v1/admin/peers/${peer.peerId}` }],
    ['GET /v1/admin/peers/:peerId/changes', { path: `/v1/admin/peers/${peer.peerId}/changes` }],
    ['POST /v1/admin/peers/:peerId/vet', ofPeer('vet')],
    ['POST /v1/admin/peers/:peerId/leave', ofPeer('leave')],
    ['POST /v1/admin/peers/:peerId/suspend', ofPeer('suspend')],
    ['POST /v1/admin/peers/:peerId/resume', ofPeer('resume')],
    ['POST /v1/admin/peers/:peerId/renew-key', ofPeer('renew-key')],
    ['POST /v1/admin/peers/:peerId/revoke', ofPeer('revoke')],
    ['GET /v1/admin/relays', {}],
    ['GET /v1/admin/relays/:relayId', { path: `/v1/admin/relays/${relay.peerId}` }],
    ['POST /v1/admin/relays/:relayId/drain', ofRelay('drain')],
    ['POST /v1/admin/relays/:relayId/undrain', ofRelay('undrain')],
    ['GET /v1/admin/key-rotations', {}],
    ['POST /v1/admin/key-rotations', { body: { reason } }],
    ['GET /v1/admin/enrolment-keys', {}],
    ['POST /v1/admin/enrolment-keys', { body: { reason } }],
    [
      'POST /v1/admin/enrolment-keys/:enrolmentKeyId/revoke',
      { path: `/v1/admin/enrolment-keys/${made.body.enrolmentKeyId}/revoke`, body: { reason } },
    ],
    ['GET /v1/admin/transactions', {}],
    ['GET /v1/admin/refusals', {}],
    ['GET /v1/admin/ledger/balances', {}],
    ['GET /v1/admin/ledger/entries', {}],
    ['GET /v1/admin/ledger/entries.csv', {}],
    ['GET /v1/admin/ledger/days', {}],
    ['GET /v1/admin/audits/scores', {}],
    ['GET /v1/admin/audits/pending', {}],
    ['GET /v1/admin/audits/days', {}],
    ['GET /v1/admin/repairs', {}],
    ['GET /v1/admin/repairs/tasks', {}],
    ['GET /v1/admin/repairs/summary', {}],
    ['POST /v1/admin/ledger/adjustments', { body: { account: accountId, amount: '1000', reason } }],
    ['GET /v1/admin/policies', {}],
    ['GET /v1/admin/policies/current', {}],
    ['GET /v1/admin/policies/:version', { path: '/v1/admin/policies/1' }],
    ['PUT /v1/admin/policies/current', { body: { policy: { admin: many }, basedOn: 1, reason } }],
    ['GET /healthz', {}],
    ['GET /readyz', {}],
    ['GET /metrics', {}],
    ['GET /v1/admin/alerts', {}],
    ['GET /v1/admin/history', {}],
    ['GET /v1/admin/health', {}],
  ]);
});
afterAll(() => fixture.remove());

const nameOf = ({ method, path }: AdminRouteEntry): string => `${method} ${path}`;
const keyIdOf = async (client: AdminClient): Promise<string> => (await client.get('/v1/admin')).body.keyId as string;

/** A page of the console in which a key is signed in. */
async function signedInBrowser(options: Partial<AdminKeyOptions> = {}): Promise<AdminClient> {
  const page = { origin: fixture.broker.adminOrigin, 'sec-fetch-site': 'same-origin' };
  const key = await fixture.broker.createAdminKey(options);
  const { headers } = await new AdminClient(fixture, page).post('/v1/admin/session', { key });
  return new AdminClient(fixture, { ...page, cookie: headers['set-cookie']!.split(';')[0]! });
}

function sampleOf(route: AdminRouteEntry): Required<Pick<Sample, 'path'>> & Sample {
  // A listener that takes GET takes HEAD.
  const sample = samples.get(nameOf(route).replace(/^HEAD /, 'GET '));
  if (sample === undefined) throw new Error(`${nameOf(route)} has no sample`);
  return { path: route.path, ...sample };
}

function ask(client: AdminClient, route: AdminRouteEntry, headers: Record<string, string> = {}): Promise<AdminAnswer> {
  const { path, body } = sampleOf(route);
  return client.ask(route.method, path, body, headers);
}

/** What came of asking every route so: method, path and the answer, where it was not refused as it should. */
async function successesOf(
  client: AdminClient,
  wanted: { readonly status: number; readonly code: string },
  among: readonly AdminRouteEntry[] = routes,
  headers: Record<string, string> = {},
): Promise<unknown[]> {
  const successes: unknown[] = [];
  for (const route of among) {
    const { status, code } = await ask(client, route, headers);
    // An answer to HEAD has no body that could tell its code.
    const isRefused = status === wanted.status && (route.method === 'HEAD' || code === wanted.code);
    if (!isRefused) successes.push([nameOf(route), status, code]);
  }
  return successes;
}

describe('every route of the admin interface', () => {
  it('has a sample here, and a role that it declares', () => {
    const names = routes.filter(({ method }) => method !== 'HEAD').map(nameOf);
    expect(new Set(names)).toEqual(new Set(samples.keys()));
    expect(names.length).toBe(samples.size);
    for (const { role } of routes) expect(ADMIN_ROLES).toContain(role);
  });

  it('is closed to nobody, and to whoever shows a key where none is looked for', async () => {
    const { body } = await operator.get('/v1/admin/log');
    const [, key] = operator.headers.authorization!.split(' ');
    const refused = { status: 401, code: 'admin_key_invalid' };
    const strangers: Record<string, string>[] = [
      {},
      { authorization: `Bearer pka_${'A'.repeat(43)}` },
      { authorization: `Basic ${key}` },
      { authorization: `${key}` },
      { cookie: `authorization=Bearer ${key}` },
    ];
    for (const headers of strangers) {
      expect(await successesOf(new AdminClient(fixture, headers), refused)).toEqual([]);
    }
    expect((await operator.get('/v1/admin/log')).body).toEqual(body);
  });

  it('is closed to a key that expired, and to one that was revoked', async () => {
    const expired = new AdminClient(fixture, {
      authorization: `Bearer ${await fixture.broker.createAdminKey({ lifeMs: 60_000 })}`,
    });
    const revoked = await AdminClient.as(fixture, 'operator');
    expect((await expired.get('/v1/admin')).status).toBe(200);
    expect((await operator.post(`/v1/admin/keys/${await keyIdOf(revoked)}/revoke`, { reason })).status).toBe(200);
    fixture.clock.advance(60_000);
    const refused = { status: 401, code: 'admin_key_invalid' };
    expect(await successesOf(expired, refused)).toEqual([]);
    expect(await successesOf(revoked, refused)).toEqual([]);
  });

  it('is closed to a browser without a cookie, with one that is over, and with one of a key that was revoked', async () => {
    const [over, revoked] = [await signedInBrowser({ lifeMs: 60_000 }), await signedInBrowser()];
    const keyId = await keyIdOf(revoked);
    expect((await over.get('/v1/admin')).status).toBe(200);
    expect((await operator.post(`/v1/admin/keys/${keyId}/revoke`, { reason })).status).toBe(200);
    fixture.clock.advance(60_000);
    const refused = { status: 401, code: 'admin_key_invalid' };
    const { cookie: _, ...page } = over.headers;
    const madeUp = { ...page, cookie: `__Host-peerkeep-admin=${'A'.repeat(43)}` };
    for (const client of [new AdminClient(fixture, page), new AdminClient(fixture, madeUp), over, revoked]) {
      expect(await successesOf(client, refused)).toEqual([]);
    }
  });

  it('is closed to pages of others in a browser where a key is signed in, also of the same host', async () => {
    const { headers } = await signedInBrowser();
    const refused = { status: 403, code: 'origin_foreign' };
    for (const origin of ['https://evil.example', 'null', fixture.url]) {
      expect(await successesOf(new AdminClient(fixture, { ...headers, origin }), refused)).toEqual([]);
    }
    for (const site of ['same-site', 'cross-site']) {
      const { origin: _, ...rest } = headers;
      const client = new AdminClient(fixture, { ...rest, 'sec-fetch-site': site });
      expect(await successesOf(client, refused)).toEqual([]);
    }
    // What changes something must say where it is from.
    const silent = new AdminClient(fixture, { cookie: headers.cookie! });
    const changing = routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    expect(await successesOf(silent, refused, changing)).toEqual([]);
  });

  it('is closed to a key of a lesser role', async () => {
    for (const role of ['viewer', 'support'] as const) {
      const among = routes.filter((route) => !hasRole(role, route.role));
      expect(among.length).toBeGreaterThan(0);
      const client = await AdminClient.as(fixture, role);
      expect(await successesOf(client, { status: 403, code: 'admin_role_missing' }, among)).toEqual([]);
    }
  });

  it('is closed to the pages of other sites, whatever key they have', async () => {
    const refused = { status: 403, code: 'origin_foreign' };
    const { host } = new URL(fixture.broker.adminOrigin);
    for (const origin of [
      'https://evil.example',
      'null',
      fixture.url,
      `http://${host}`,
      `https://${host}.evil.example`,
    ]) {
      expect(await successesOf(operator, refused, routes, { origin })).toEqual([]);
    }
    // Not even under a name that the request itself gives this listener.
    const rebound = { host: 'evil.example', origin: 'https://evil.example' };
    expect(await successesOf(operator, refused, routes, rebound)).toEqual([]);
  });

  it('changed nothing by all that', async () => {
    const { body } = await operator.get('/v1/admin/log?limit=1000');
    const actions = (body.items as { action: string }[]).map(({ action }) => action);
    expect(new Set(actions)).toEqual(
      new Set(['policy.set', 'admin-key.create', 'admin-key.revoke', 'enrolment-key.create']),
    );
    expect(actions.filter((action) => action === 'enrolment-key.create')).toHaveLength(1);
    expect(actions.filter((action) => action === 'policy.set')).toHaveLength(1);
  });

  it('answers who may ask, also from a page of its own', async () => {
    const origin = fixture.broker.adminOrigin;
    for (const name of samples.keys()) {
      const route = routes.find((each) => nameOf(each) === name)!;
      const answer = await ask(operator, route, { origin });
      expect([name, answer.status, answer.code]).toEqual([name, 200, undefined]);
    }
  });

  it('refuses a change without a reason', async () => {
    for (const route of routes.filter(({ method }) => method === 'POST' || method === 'PUT')) {
      const { path, body } = sampleOf(route);
      for (const missing of [undefined, '', '  ']) {
        const answer = await operator.ask(route.method, path, { ...body, reason: missing });
        expect([nameOf(route), answer.code]).toEqual([nameOf(route), 'request_invalid']);
      }
    }
  });
});

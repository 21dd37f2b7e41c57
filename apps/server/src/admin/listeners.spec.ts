// Two listeners: what the operator may ask stands on one of them, what peers and people may ask on the other.
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient, askAt } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { type AdminRouteEntry, AdminRoutes } from './routes/admin-routes.js';

let fixture: BrokerFixture;
let operator: AdminClient;
let routes: AdminRouteEntry[];

beforeAll(async () => {
  fixture = await BrokerFixture.start();
  operator = await AdminClient.as(fixture, 'operator');
  routes = (await operator.get('/v1/admin')).body.routes as AdminRouteEntry[];
});
afterAll(() => fixture.remove());

/** With something in the place of each parameter. */
const addressOf = (path: string): string => path.replace(/:\w+/g, 'x');

describe('a table of routes', () => {
  it('is refused when one of them declares no role', () => {
    const routes = new AdminRoutes();
    const fastify = Fastify();
    routes.hear(fastify);
    const answer = async (): Promise<string> => 'x';
    fastify.get('/v1/admin/known', { config: { adminRole: 'viewer' } as object }, answer);
    expect(routes.all.map(({ path, role }) => [path, role])).toContainEqual(['/v1/admin/known', 'viewer']);
    fastify.get('/v1/admin/made-up', { config: { adminRole: 'god' } as object }, answer);
    expect(() => routes.all).toThrow('/v1/admin/made-up declares no role');
  });
});

/** Both listeners say how they are, the admin listener in more words and to those with a key only (health.spec.ts). */
const ON_BOTH: readonly string[] = ['/healthz', '/readyz'];

describe('the admin listener', () => {
  it('is on this machine alone, under the certificate authority of the broker', async () => {
    expect(fixture.broker.adminOrigin).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(fixture.broker.adminOrigin).not.toContain(`:${fixture.broker.port}`);
    expect((await operator.get('/v1/admin')).status).toBe(200);
  });

  it('has routes that the public listener does not have', async () => {
    expect(routes.length).toBeGreaterThan(5);
    const ca = await fixture.caPem();
    for (const { method, path } of routes.filter((route) => !ON_BOTH.includes(route.path))) {
      const asked = { method, path: addressOf(path), headers: operator.headers };
      const answer = await askAt(fixture.url, asked, ca);
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
  });

  it('has none of the routes of the public listener', async () => {
    const ca = await fixture.caPem();
    const { body } = await askAt(fixture.url, { method: 'GET', path: '/docs-json', headers: {} }, ca);
    const paths = Object.entries(body.paths as Record<string, object>).filter(([path]) => !ON_BOTH.includes(path));
    expect(paths.length).toBeGreaterThan(20);
    for (const [path, methods] of paths) {
      for (const method of Object.keys(methods)) {
        const asked = { method, path: path.replace(/\{\w+\}/g, 'x'), headers: operator.headers };
        const answer = await askAt(fixture.broker.adminOrigin, asked, ca);
        expect([method, path, answer.status]).toEqual([method, path, 404]);
      }
    }
    for (const path of ['/', '/docs', '/docs-json', '/sign-in', '/register', '/account']) {
      const answer = await askAt(fixture.broker.adminOrigin, { method: 'GET', path, headers: operator.headers }, ca);
      expect([path, answer.status]).toEqual([path, 404]);
    }
  });

  it('stops and starts again with the broker', async () => {
    const before = fixture.broker.adminOrigin;
    await fixture.stop();
    await expect(
      askAt(before, { method: 'GET', path: '/v1/admin', headers: {} }, await fixture.caPem()),
    ).rejects.toThrow();
    await fixture.startAgain();
    expect((await operator.get('/v1/admin')).status).toBe(200);
  });
});

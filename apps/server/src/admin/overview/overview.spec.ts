// What the operator sees first (B24): counted as it is, told to whoever may look; and peers by the network they are in.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient } from '../../testing/admin-client.js';
import { TestNetwork } from '../../testing/test-network.js';

let network: TestNetwork;
let viewer: AdminClient;
beforeAll(async () => {
  network = await TestNetwork.create();
  viewer = await AdminClient.as(network.fixture, 'viewer');
});
afterAll(() => network.remove());

describe('the overview', () => {
  it('counts peers, hosts, capacity and what was refused just now', async () => {
    for (let i = 0; i < 3; i++) await network.client.post('/v1/puts', { objects: [] });
    const { status, body } = await viewer.get('/v1/admin/overview');
    expect(status).toBe(200);
    const { items } = (await viewer.get('/v1/admin/peers')).body as {
      items: { isOnline: boolean; shareBytes: number | null; state: string }[];
    };
    const sum = items.reduce((all, { shareBytes }) => all + (shareBytes ?? 0), 0);
    expect(body).toMatchObject({
      onlineHosts: items.filter(({ isOnline }) => isOnline).length,
      donatedBytes: `${sum}`,
      objects: 0,
      objectsAtRisk: 0,
      auditsToday: {},
    });
    expect(body.onlineHosts).toBe(network.hosts.length);
    expect(body.peers).toMatchObject({ vetting: items.length, active: 0, revoked: 0 });
    expect(body.refusals).toMatchObject([{ code: 'request_invalid', count: 3 }]);
  });
});

describe('peers of a network', () => {
  it('are found by the beginning of their address, to the end of a number', async () => {
    const support = await AdminClient.as(network.fixture, 'support');
    const find = async (text: string): Promise<number> =>
      ((await support.get(`/v1/admin/peers?network=${text}`)).body.items as object[]).length;
    expect(await find('127.0.0')).toBe(network.hosts.length);
    expect(await find('127')).toBe(network.hosts.length);
    expect(await find('127.0.0.1')).toBe(0);
    expect(await find('12')).toBe(0);
    expect(await find('10.1.2')).toBe(0);
    for (const text of ['%25', '127.', '_', "'"]) {
      expect((await support.get(`/v1/admin/peers?network=${text}`)).code).toBe('request_invalid');
    }
  });

  it('are not told to a viewer, who is told no address', async () => {
    expect((await viewer.get('/v1/admin/peers?network=127.0.0')).code).toBe('admin_role_missing');
  });
});

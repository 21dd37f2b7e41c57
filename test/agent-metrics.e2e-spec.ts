// What a host tells whoever watches it: its figures, and whether it can work.
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMetricsAddress } from '#metrics';
import { World, type WorldHost } from './world.js';

let world: World;
let host: WorldHost;

beforeAll(async () => {
  world = await World.create({ hosts: 0 });
  host = await world.addHost(undefined, { metrics: { host: '127.0.0.1', port: 0 } });
});
afterAll(() => world.close());

async function ask(path: string): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(`http://127.0.0.1:${host.agent.metricsPort}${path}`);
  return { status: statusCode, text: await body.text() };
}

async function figure(name: string): Promise<number | undefined> {
  const { text } = await ask('/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`peerkeep_agent_${name} `));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

describe('a host that is watched', () => {
  it('tells what it holds, what it moved, and how it stands with the broker', async () => {
    const client = await world.addClient();
    await client.backup(await world.writeFiles('data', { 'a.txt': 'some words' }));
    await world.settle();
    // Nothing was read: whatever a put is, one or many shards, its bytes came in.
    expect(await figure('sent_bytes_total')).toBe(0);
    expect(await figure('received_bytes_total')).toBeGreaterThanOrEqual((await figure('used_bytes'))!);
    const received = await figure('received_bytes_total');
    await client.dropCachedObjects();
    await client.restore(world.path('restored'));
    expect(await figure('received_bytes_total')).toBe(received);
    expect(await figure('shards')).toBeGreaterThan(0);
    expect(await figure('used_bytes')).toBeGreaterThan(0);
    expect(await figure('free_bytes')).toBeGreaterThan(0);
    expect(await figure('transfers_total{op="put",outcome="done"}')).toBeGreaterThan(0);
    expect(await figure('transfers_total{op="get",outcome="done"}')).toBeGreaterThan(0);
    expect(await figure('sent_bytes_total')).toBeGreaterThan(0);
    expect(await figure('replay_list_entries')).toBeGreaterThan(0);
    expect(await figure('clock_offset_seconds')).toBeLessThan(5);
    await world.pass(60_000);
    expect(await figure('broker_contact_age_seconds')).toBeLessThan(60);
    expect(await figure('certificate_expires_timestamp_seconds')).toBeGreaterThan(world.clock.nowMs() / 1_000);
  });

  it('is ready, and says why when it is not', async () => {
    expect(await ask('/readyz')).toEqual({ status: 200, text: '{"status":"ok"}' });
    const sharedBytes = host.home.shareBytes;
    await host.home.setShare(1);
    const full = await ask('/readyz');
    expect([full.status, JSON.parse(full.text).facts]).toEqual([503, { cause: 'full' }]);
    await host.home.setShare(sharedBytes);
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/else')).status).toBe(404);
  });

  it('is watched from its own machine only', () => {
    expect(readMetricsAddress('127.0.0.1:0')).toEqual({ host: '127.0.0.1', port: 0 });
    for (const address of ['0.0.0.0:1', '[::]:1', '192.168.1.1:1', 'example.org:1', '127.0.0.1']) {
      expect(() => readMetricsAddress(address)).toThrow(expect.objectContaining({ code: 'usage' }));
    }
  });
});

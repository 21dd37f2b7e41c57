// A recovery kit on a local network (T3, T8): its hosts are found where they are by now, without the broker's approval.
import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKitEngine } from '#backup';
import { BrokerClient, NetworkRefresh } from '#broker-api';
import { LAN_RULES, type LanTuning, loopbackInterfaces } from '#peer-link';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { refusalOf, World } from './world.js';

const tuning: LanTuning = {
  rules: { ...LAN_RULES, port: randomInt(20_000, 32_000), answerWaitMsMax: 200, requestMs: 2_000 },
  interfaces: loopbackInterfaces,
};

let world: World;
let turning: NodeJS.Timeout;
beforeAll(async () => {
  world = await World.create({ hosts: 0 });
  const lan = { ...tuning, listen: { host: '127.0.0.1', port: 0 } };
  for (let i = 0; i < 3; i++) await world.addHost(2_000_000_000, { lan });
  for (const host of world.hosts) await host.agent.triggers.network();
  let lastMs = performance.now();
  turning = setInterval(() => {
    const nowMs = performance.now();
    world.clock.advance(nowMs - lastMs);
    lastMs = nowMs;
  }, 5);
}, 120_000);
afterAll(async () => {
  // Hosts that look for the broker end by the clock.
  await world.close();
  clearInterval(turning);
}, 60_000);

describe('a recovery kit on a local network', () => {
  it('restores from hosts that have other addresses by now, with the broker dead', { timeout: 120_000 }, async () => {
    const client = await world.addClient();
    const source = await world.writeFiles('source', { 'a.bin': randomBytes(300_000), 'b.txt': 'some words' });
    await client.backup(source);
    await world.settle();
    const running = { signal: new AbortController().signal, onEvent: () => undefined };
    const broker = new BrokerClient({ home: client.home, clock: world.clock, log: world.log });
    await new NetworkRefresh({ home: client.home, broker, clock: world.clock }).run();
    const order = { home: client.home, broker: broker.kits };
    const { kit } = await client.engine.makeKit({ ...running, snapshot: 'latest', order });
    await broker.close();

    await world.broker.kill();
    for (const host of world.hosts) {
      await host.kill();
      await host.start({ tellBroker: false });
    }
    const masterKey = await client.home.masterKey();
    const { clock, log } = world;
    const restore = async (lan: LanTuning | null, target: string) => {
      const folder = world.path(`engine-${target}`);
      const engine = await openKitEngine({ kit, masterKey, folder, limits: {}, lan, clock, log });
      try {
        return await engine.restore({ ...running, snapshot: 'latest', includes: [], target: world.path(target) });
      } finally {
        await engine.close();
      }
    };
    expect(await refusalOf(restore(null, 'far'))).toBe('object_unavailable');
    expect(await restore(tuning, 'near')).toMatchObject({ files: 2, failed: 0 });
    expect((await compareTrees(source, world.path('near'), [])).differences).toEqual([]);
  });
});

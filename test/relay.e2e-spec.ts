// Hosts behind a firewall (F1, F2, F5): they back up others and give back through relays, byte for byte; a relay that dies in
// the middle is replaced by another.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWays } from '#backup';
import type { RunningRelay } from '../apps/relay/src/start-relay.js';
import { eventually } from './eventually.js';
import { addFirewalledHost, addRelay, attach, whileTimePasses } from './relay-world.js';
import { World, type WorldClient, type WorldHost } from './world.js';

const PRESENCE = { presenceIntervalMs: 5_000, presenceTtlMs: 600_000 };

/** Of a restore: whether all of it is there. */
const settled = (restore: Promise<{ failed: number }>): Promise<string> =>
  restore.then(
    ({ failed }) => (failed === 0 ? 'whole' : 'partly'),
    ({ code }: { code: string }) => code,
  );
const status = (world: World, host: WorldHost) => world.askBroker(host, (broker) => broker.peerStatus());
const moved = ({ tunnels }: RunningRelay): number => tunnels.movedBytes.to_peer + tunnels.movedBytes.from_peer;

/** Kill a relay as soon as it has carried a part of the work; all its peers are at the other one when this ends. */
async function killDuring<T>(
  { world, victim, successor, peers }: { world: World; victim: RunningRelay; successor: RunningRelay; peers: number },
  begin: () => Promise<T>,
): Promise<T> {
  const before = moved(victim);
  const work = begin();
  await whileTimePasses(
    world,
    eventually(() => moved(victim) > before + 300_000),
  );
  expect(victim.tunnels.count).toBeGreaterThan(0);
  const killedMs = world.clock.nowMs();
  await victim.kill();
  await whileTimePasses(
    world,
    eventually(() => successor.peers.count === peers),
  );
  expect(world.clock.nowMs() - killedMs).toBeLessThan(60_000);
  return whileTimePasses(world, work);
}

describe('a network whose hosts are all behind firewalls', () => {
  let world: World;
  let relays: RunningRelay[];
  let hosts: WorldHost[];
  let client: WorldClient;
  const content = randomBytes(12_000_000);
  beforeAll(async () => {
    world = await World.create({ hosts: 0, policy: PRESENCE });
    relays = [await addRelay(world, 'relay-1'), await addRelay(world, 'relay-2')];
    hosts = [];
    for (let i = 0; i < 6; i++) hosts.push(await addFirewalledHost(world));
    client = await world.addClient('traveller');
  });
  afterAll(async () => {
    await world.close();
    for (const relay of relays) await relay.kill();
  });

  it('is spread over its relays, and the broker reaches every host through them', async () => {
    for (const host of hosts) expect(await status(world, host)).toMatchObject({ online: true, reachable: true });
    const counts = relays.map(({ peers }) => peers.count);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('stores a backup and gives it back, byte for byte, all of it through relays', async () => {
    const folder = await world.writeFiles('far', { 'a.bin': content, 'deep/b.txt': 'b' });
    await whileTimePasses(world, client.backup(folder));
    const stored = relays.reduce((sum, relay) => sum + moved(relay), 0);
    expect(stored).toBeGreaterThan(content.length);
    await client.dropCachedObjects();
    const target = world.path('far-again');
    await whileTimePasses(world, client.restore(target));
    expect((await readFile(join(target, 'a.bin'))).equals(content)).toBe(true);
    expect(relays.reduce((sum, relay) => sum + moved(relay), 0)).toBeGreaterThan(stored + content.length);
    await client.close();
    await client.open();
    const ways = await readWays(client.home.path);
    expect(ways.map(({ way, reason }) => `${way} ${reason}`)).toEqual(hosts.map(() => 'relay only_way'));
    expect(await world.broker.checkLedger()).toEqual([]);
  });

  it('gives all of it back although a relay dies in the middle of the restore: the same command goes on', async () => {
    await client.dropCachedObjects();
    const target = world.path('far-torn');
    const [successor, victim] = relays as [RunningRelay, RunningRelay];
    const order = { snapshot: 'latest', target, includes: [], ...client.running() };
    const lost = await killDuring({ world, victim, successor, peers: 6 }, () => settled(client.engine.restore(order)));
    for (const host of hosts) await attach(host);
    const again = client.engine.restore({ ...order, overwrite: 'if-changed' });
    expect([lost, await whileTimePasses(world, settled(again))]).toEqual([expect.any(String), 'whole']);
    expect((await readFile(join(target, 'a.bin'))).equals(content)).toBe(true);
  });
});

describe('a network with hosts behind firewalls among others', () => {
  let world: World;
  let relays: RunningRelay[];
  let hosts: WorldHost[];
  let client: WorldClient;
  beforeAll(async () => {
    world = await World.create({ hosts: 6, policy: PRESENCE });
    relays = [await addRelay(world, 'relay-1')];
    hosts = [];
    for (let i = 0; i < 3; i++) hosts.push(await addFirewalledHost(world));
    relays.push(await addRelay(world, 'relay-2'));
    client = await world.addClient('resident');
  });
  afterAll(async () => {
    await world.close();
    for (const relay of relays) await relay.kill();
  });

  it('goes on when a relay dies in the middle of a backup; its hosts are at another within a minute', async () => {
    const content = randomBytes(20_000_000);
    const folder = await world.writeFiles('torn', { 'c.bin': content });
    const [victim, successor] = relays as [RunningRelay, RunningRelay];
    await killDuring({ world, victim, successor, peers: hosts.length }, () => client.backup(folder));
    for (const host of hosts) {
      await attach(host);
      expect(await status(world, host)).toMatchObject({ online: true, reachable: true });
    }
    const target = world.path('torn-again');
    expect(await whileTimePasses(world, settled(client.restore(target)))).toBe('whole');
    expect((await readFile(join(target, 'c.bin'))).equals(content)).toBe(true);
    expect(await world.broker.checkLedger()).toEqual([]);
  });
});

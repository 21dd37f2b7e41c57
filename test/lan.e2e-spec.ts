// Neighbours on a local network (T1-T5, T8): real agents, real datagrams over the machine's loopback, a real broker.

import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readdir, utimes } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerClient } from '#broker-api';
import type { PeerHome } from '#peer-home';
import {
  LAN_RULES,
  LanChannel,
  type LanOrigin,
  LanSocket,
  type LanTuning,
  loopbackInterfaces,
  type NeedMessage,
  shelfFolderOf,
} from '#peer-link';
import { formatAlias, type PeerId } from '#protocol';
import { World, type WorldClient, WorldHost } from './world.js';

const KB = 1024;
/** Shorter waits than people's, so that a restore of many objects takes no minute. */
const tuning: LanTuning = {
  rules: { ...LAN_RULES, port: randomInt(20_000, 32_000), answerWaitMsMax: 200, requestMs: 2_000 },
  interfaces: loopbackInterfaces,
};
const lan = { ...tuning, listen: { host: '127.0.0.1', port: 0 } };

let world: World;
let cancelTurning: () => void;

/** Lets the world's clock go on as the machine's does: waits for datagrams are real. */
function turnWithTime(): () => void {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    world.clock.advance(nowMs - lastMs);
    lastMs = nowMs;
  }, 5);
  return () => clearInterval(timer);
}

beforeAll(async () => {
  world = await World.create({ hosts: 0 });
  for (let i = 0; i < 4; i++) await world.addHost(2_000_000_000, i < 3 ? { lan } : {});
  for (const host of world.hosts) await host.agent.triggers.network();
  cancelTurning = turnWithTime();
}, 120_000);

afterAll(async () => {
  // Hosts that look for the broker end by the clock.
  await world.close();
  cancelTurning();
}, 120_000);

async function backedUp(client: WorldClient, name: string): Promise<string> {
  const folder = await world.writeFiles(name, { 'a.bin': randomBytes(300 * KB), 'b.txt': 'some words\n' });
  await client.backup(folder);
  await world.settle();
  return folder;
}

/** The same, by an engine that asks its neighbours and has nothing in its cache. */
async function restoreNear(client: WorldClient, target: string) {
  await client.close();
  await client.dropCachedObjects();
  await client.open(tuning);
  try {
    return await client.restore(world.path(target));
  } finally {
    await client.close();
  }
}

/** A peer of the domain that answers every need in its own way. */
async function liar(
  home: PeerHome,
  approve: (need: NeedMessage, broker: BrokerClient) => Promise<{ alias: string; approval: string | null }>,
): Promise<{ close(): Promise<void> }> {
  const { clock, log } = world;
  const broker = new BrokerClient({ home, clock, log });
  await home.network.save(await broker.routes.network());
  const channel = new LanChannel({
    medium: new LanSocket({ clock, log, ...tuning }),
    keys: (nowMs) => home.network.lanKeys(nowMs),
    peerId: home.identity.peerId,
    nowMs: () => clock.nowMs(),
    clock,
  });
  await channel.open();
  const answer = async (need: NeedMessage, from: LanOrigin): Promise<void> => {
    const { taskId, method, subjects } = need;
    const said = await approve(need, broker);
    channel.answer({ type: 'have', taskId, method, which: [...subjects.keys()], ...said }, from);
  };
  channel.listen((message, from) => {
    if (message.type === 'need') answer(message, from).catch(() => undefined);
  });
  return {
    close: async () => {
      await channel.close();
      await broker.close();
    },
  };
}

async function refusalsOf(hostId: PeerId): Promise<string[]> {
  await world.broker.endExpiredNow();
  const rows = await world.brokerRows<{ code: string }>('SELECT code FROM peer_failures WHERE host_id = $1', [hostId]);
  return rows.map(({ code }) => code);
}

describe('a restore on a local network', { timeout: 120_000 }, () => {
  it('takes shards from neighbours that hold them, and the rest from outside (T1-T3, T5)', async () => {
    const client = await world.addClient();
    const folder = await backedUp(client, 'near');
    const summary = await restoreNear(client, 'near-again');
    expect(summary.fetched.lan).toBeGreaterThan(0);
    expect(summary.failed).toBe(0);
    expect(summary.badHosts).toEqual([]);
    await client.open();
    const far = await client.restore(world.path('far-again'));
    expect(far.fetched).toMatchObject({ lan: 0 });
    expect(folder).toBeTruthy();
  });

  it('serves what it fetched to the next machine, which takes nothing from outside (T3, T5)', async () => {
    const client = await world.addClient();
    await backedUp(client, 'shelved');
    await client.close();
    // Its own agent is the only neighbour: the hosts are far away.
    for (const host of world.hosts) {
      await host.stop();
      await host.start({ lan: null });
    }
    const phrase = await client.phrase();
    const fetching = await world.recoverClient(phrase);
    await fetching.close();
    await fetching.home.setShare(1_000_000);
    const agent = new WorldHost(world, fetching.home, { lan });
    await agent.start();
    await agent.agent.triggers.network();
    const first = await restoreNear(fetching, 'shelved-1');
    expect(first.fetched).toMatchObject({ lan: 0 });
    expect(first.fetched.direct).toBeGreaterThan(0);

    const again = await restoreNear(await world.recoverClient(phrase), 'shelved-2');
    expect(again.fetched).toEqual({ lan: first.fetched.direct, direct: 0, relay: 0 });
    expect(again.failed).toBe(0);

    const shelf = shelfFolderOf(fetching.home.path);
    const shelved = await readdir(shelf);
    expect(shelved.length).toBeGreaterThan(0);
    for (const name of shelved) await utimes(join(shelf, name), 0, 0);
    await agent.agent.triggers.neighbours();
    expect(await readdir(shelf)).toEqual([]);
    await agent.kill();
    for (const host of world.hosts) {
      await host.stop();
      await host.start();
    }
  });

  it('is not led astray by liars: they are reported, and others answer (T8)', async () => {
    const client = await world.addClient();
    await backedUp(client, 'astray');
    const homes = await Promise.all(['l1', 'l2', 'l3', 'l4'].map((name) => world.enrol(name)));
    const [garbage, address, task, peer] = homes as [PeerHome, PeerHome, PeerHome, PeerHome];
    const alias = formatAlias({ address: '127.0.0.1', port: 9 });
    const approved = (broker: BrokerClient, taskId: string, of = alias) =>
      broker.routes.approve({ taskId, alias: of }).then(({ approval }) => approval);
    const other = new BrokerClient({ home: world.hosts[0]!.home, clock: world.clock, log: world.log });
    const liars = [
      await liar(garbage, async () => ({ alias, approval: 'not.an.approval' })),
      await liar(address, async ({ taskId }, broker) => ({
        alias,
        approval: await approved(broker, taskId, formatAlias({ address: '127.0.0.1', port: 10 })),
      })),
      await liar(task, async (_, broker) => ({
        alias,
        approval: await approved(broker, randomBytes(16).toString('base64url')),
      })),
      await liar(peer, async ({ taskId }) => ({ alias, approval: await approved(other, taskId) })),
    ];
    const summary = await restoreNear(client, 'astray-again');
    for (const one of liars) await one.close();
    await other.close();
    expect(summary.failed).toBe(0);
    expect(summary.fetched.lan).toBeGreaterThan(0);
    expect(await refusalsOf(garbage.identity.peerId)).toEqual(['approval_invalid']);
    expect(await refusalsOf(address.identity.peerId)).toEqual(['approval_wrong_alias']);
    expect(await refusalsOf(task.identity.peerId)).toEqual(['approval_wrong_task']);
    expect(await refusalsOf(peer.identity.peerId)).toEqual(['approval_wrong_peer']);
  });

  it('comes to its end where an approved neighbour has nothing, from the hosts (T5, T8)', async () => {
    const client = await world.addClient();
    await backedUp(client, 'empty');
    const home = await world.enrol('empty-handed');
    const alias = formatAlias({ address: '127.0.0.1', port: 9 });
    const one = await liar(home, async ({ taskId }, broker) => ({
      alias,
      approval: (await broker.routes.approve({ taskId, alias })).approval,
    }));
    const summary = await restoreNear(client, 'empty-again');
    await one.close();
    expect(summary).toMatchObject({ failed: 0 });
    expect(await refusalsOf(home.identity.peerId)).toContain('peer_unreachable');
  });
});

describe('strangers on a local network', { timeout: 120_000 }, () => {
  it('get no word and no session out of 10,000 forged announcements', async () => {
    const host = world.hosts[0]!;
    await backedUp(await world.addClient(), 'observed-files');
    const home = await world.enrol('observed');
    const { clock, log } = world;
    // What a stranger can hear: a real need, sealed.
    const heard: Uint8Array[] = [];
    const ear = new LanSocket({ clock, log, ...tuning });
    await ear.open((datagram) => heard.push(datagram));
    const broker = new BrokerClient({ home, clock, log });
    await home.network.save(await broker.routes.network());
    const speaker = new LanChannel({
      medium: new LanSocket({ clock, log, ...tuning }),
      keys: (nowMs) => home.network.lanKeys(nowMs),
      peerId: home.identity.peerId,
      nowMs: () => clock.nowMs(),
      clock,
    });
    await speaker.open();
    const rows = await host.rows<{ cid: string }>('SELECT cid FROM shard LIMIT 4');
    const taskId = randomBytes(16).toString('base64url');
    const need = { type: 'need' as const, method: 'get' as const, taskId, subjects: rows.map(({ cid }) => cid) };
    const answered = new Promise<void>((resolve) => speaker.listen(() => resolve()));
    speaker.say(need);
    await answered;
    const [genuine] = heard as [Uint8Array];
    expect(genuine.length).toBeGreaterThan(100);

    const stranger = createSocket('udp4');
    let replies = 0;
    stranger.on('message', () => replies++);
    await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.1', () => resolve()));
    stranger.setMulticastInterface('127.0.0.1');
    const answersBefore = world.hosts.map(({ agent }) => agent.lanAnswers);
    const { port, group4 } = tuning.rules!;
    for (let i = 0; i < 10_000; i++) {
      const forged = i % 4 === 0 ? randomBytes(genuine.length) : Buffer.from(genuine);
      // One in four is the genuine one again; the others are changed in a byte.
      if (i % 4 > 1) forged[i % forged.length]! ^= 1 + (i % 255);
      await new Promise((resolve) => stranger.send(forged, port, group4, resolve));
    }
    // Whatever a neighbour would say, it says within its longest wait. A flood is looked at up to a bound in each second; in
    // the next one a genuine need is answered as before.
    await new Promise<void>((resolve) => clock.schedule(1_500, () => resolve()));
    const answeredAgain = new Promise<void>((resolve) => speaker.listen(() => resolve()));
    speaker.say({ ...need, taskId: randomBytes(16).toString('base64url') });
    await answeredAgain;
    expect(replies).toBe(0);
    const answersAfter = world.hosts.map(({ agent }) => agent.lanAnswers);
    const given = answersAfter.reduce((sum, count, i) => sum + count - answersBefore[i]!, 0);
    expect(given).toBeLessThanOrEqual(3);
    stranger.close();
    await ear.close();
    await speaker.close();
    await broker.close();
  });

  it('get no further than the TLS of the alias without a certificate of the domain', async () => {
    const socket = connect(world.hosts[0]!.agent.lanPort, '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    let received = 0;
    socket.on('data', (bytes) => {
      received += bytes.length;
    });
    socket.on('error', () => undefined);
    socket.write('GET /shards/x HTTP/1.1\r\n\r\n');
    await closed;
    // An alert of TLS, and nothing else.
    expect(received).toBeLessThan(32);
  });
});

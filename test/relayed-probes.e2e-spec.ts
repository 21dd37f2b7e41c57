// The broker and hosts that are attached to a relay (F2): it probes and audits them through it, tries the direct way now and
// then, says what it found, and gives no shards to whom nobody reaches.
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ContentId, encodeBase64url, type ObjectId, type PeerAddress, uuidV7 } from '#protocol';
import type { RunningRelay } from '../apps/relay/src/start-relay.js';
import { addFirewalledHost, addRelay, attach, whileTimePasses } from './relay-world.js';
import { World, type WorldClient, type WorldHost } from './world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const POLICY = {
  presenceIntervalMs: 5_000,
  presenceTtlMs: 12 * HOUR_MS,
  audits: { perHostPerDay: 240, perHostPerDayMax: 240 },
  relay: { presenceTtlMs: HOUR_MS, directProbeMs: 30 * MINUTE_MS },
};

let world: World;
let relay: RunningRelay;
let client: WorldClient;
beforeEach(async () => {
  world = await World.create({ hosts: 0, policy: POLICY });
  relay = await addRelay(world, 'relay');
  client = await world.addClient('client');
});
afterEach(async () => {
  await world.close();
  await relay.kill();
});

const isReachable = async (host: WorldHost): Promise<boolean | null> =>
  (await world.askBroker(host, (broker) => broker.peerStatus())).reachable;

/** Where a client would put a shard; null where there is no host for it. */
async function placeOfPut(): Promise<PeerAddress | null> {
  const cid = encodeBase64url(randomBytes(32)) as ContentId;
  const shards = [{ index: 0, cid, sizeBytes: 1_000 }];
  const objectId = uuidV7<ObjectId>(world.clock.nowMs(), randomBytes(10));
  const object = { objectId, kind: 'data', sizeBytes: 900, dataShards: 1, totalShards: 1, shards, avoid: [] } as const;
  const { objects } = await world.askBroker(client, (broker) =>
    broker.beginPut({ objects: [{ ...object, avoid: [] }] }),
  );
  return objects[0]!.permissions[0]?.host ?? null;
}

describe('a host behind a firewall', () => {
  it('is audited through its relay', async () => {
    const host = await addFirewalledHost(world);
    expect(await isReachable(host)).toBe(true);
    await whileTimePasses(world, client.backup(await world.writeFiles('files', { 'a.bin': randomBytes(400_000) })));
    await world.settle();
    world.clock.advance(20 * MINUTE_MS);
    await world.broker.auditHostsNow();
    await world.broker.auditHostsNow();
    const outcomes = await world.brokerRows<{ outcome: string }>(
      'SELECT DISTINCT outcome FROM audit_days WHERE host_id = $1',
      [host.peerId],
    );
    // It listens where the broker does not look: whoever showed a block spoke through the relay.
    expect(outcomes).toEqual([{ outcome: 'ok' }]);
  });

  it('is tried without it, and told as one that is reached in no other way', async () => {
    await addFirewalledHost(world);
    await world.broker.probeDirectlyNow();
    expect((await placeOfPut())?.relay).toMatchObject({ isOnlyWay: true });
  });

  it('gets no shards when its relay is gone and there is no other', async () => {
    const host = await addFirewalledHost(world);
    expect((await placeOfPut())?.peerId).toBe(host.peerId);
    await relay.kill();
    for (let i = 0; i < 4; i++) {
      world.clock.advance(30_000);
      await attach(host);
    }
    await world.broker.probeHostsNow();
    expect(await isReachable(host)).toBe(false);
    await expect(placeOfPut()).rejects.toMatchObject({ code: 'not_enough_hosts' });
  });
});

describe('a host that is attached although it is reached', () => {
  it('is told with both ways as soon as the broker has tried', async () => {
    const host = await world.addHost(2_000_000_000, { relay: 'always' });
    await attach(host);
    expect((await placeOfPut())?.relay).toMatchObject({ isOnlyWay: true });
    await world.broker.probeDirectlyNow();
    expect((await placeOfPut())?.relay).toMatchObject({ isOnlyWay: false });
  });
});

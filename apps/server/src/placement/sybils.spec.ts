// A crowd of new accounts in one rented network does not get hold of anybody's objects (B24, B25).
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { BeginPutAnswer, Redundancy } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { TestNetwork } from '../testing/test-network.js';
import { beginPut, someObject, someShard, TestPeer } from '../testing/test-peer.js';

const SYBILS = 40;
const HONEST = 5;

let network: TestNetwork;
let sybils: TestPeer[];
let honest: readonly TestPeer[];

beforeAll(async () => {
  network = await TestNetwork.create({ hosts: HONEST });
  honest = network.hosts;
  sybils = [];
  for (let i = 0; i < SYBILS; i++) sybils.push(await TestPeer.enrolHost(network.fixture, 1e12));
  // All speak from this machine: where they are is written down for them, and read by the next broker.
  await network.fixture.stop();
  const database = await BrokerDatabase.open(join(network.fixture.dataDir, 'broker.db'));
  const places = [
    ...sybils.map(({ peerId }, i) => [peerId, `45.9.148.${i + 1}`] as const),
    ...honest.map(({ peerId }, i) => [peerId, `80.${i}.7.9`] as const),
  ];
  await database.write(async (db) => {
    for (const [peerId, address] of places) {
      await db.query('UPDATE peers SET address = $1 WHERE id = $2', [address, peerId]);
    }
  });
  await database.close();
  await network.fixture.startAgain();
}, 120_000);
afterAll(() => network.remove());

const isSybil = (peerId: string): boolean => sybils.some((sybil) => sybil.peerId === peerId);

it('they count as one host for the choice of a code', async () => {
  const { body } = await network.client.get<Redundancy>('/v1/redundancy');
  expect(body).toMatchObject({ eligibleHosts: HONEST + 1, dataShards: 4, totalShards: 6 });
});

it('they get at most one shard of any object, also when it is put again or they are named', async () => {
  const six = (): ReturnType<typeof someObject> =>
    someObject(network.fixture, { dataShards: 4, totalShards: 6, shards: [0, 1, 2, 3, 4, 5].map((i) => someShard(i)) });
  for (let i = 0; i < 15; i++) {
    const object = six();
    const puts = await beginPut(network.client, object);
    expect(puts).toHaveLength(6);
    expect(puts.filter(({ permission }) => isSybil(permission.host.peerId))).toHaveLength(1);
    const theirs = puts.find(({ permission }) => isSybil(permission.host.peerId))!;
    await network.client.report([
      {
        ...network.done(
          sybils.find(({ peerId }) => peerId === theirs.permission.host.peerId)!,
          theirs.permission.transactionId,
          'put',
          [{ cid: theirs.shard.cid, sizeBytes: theirs.shard.sizeBytes, result: 'stored' }],
        ),
      },
    ]);
    // The rest is placed anew, with the one that they hold in mind.
    const again = await beginPut(network.client, object);
    expect(again.filter(({ permission }) => isSybil(permission.host.peerId))).toEqual([]);
  }
  const named = six();
  const shards = named.shards.map((shard, i) => (i < 2 ? { ...shard, target: sybils[i]!.peerId } : shard));
  const answer = await network.client.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...named, shards }] });
  expect(answer.code).toBe('target_unavailable');
});

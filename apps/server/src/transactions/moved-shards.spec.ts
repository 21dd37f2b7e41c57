// A stored shard that its account cannot have of its host is put to another one (B21, B24): it keeps its place until the
// new host has signed for it, and nobody's word moves it but that of a machine of its account that may delete (B18).
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BeginGetAnswer, type BeginPutAnswer, formatTime, type ObjectToPut, type PeerId } from '#protocol';
import { TestNetwork } from '../testing/test-network.js';
import { beginPut, type Put, TestPeer } from '../testing/test-peer.js';

const HOUR_MS = 3_600_000;

let network: TestNetwork;
let added: TestPeer[];
let object: ObjectToPut;
let places: Map<number, PeerId>;
let promised: Awaited<ReturnType<TestNetwork['store']>>;
let another: typeof promised;
beforeAll(async () => {
  network = await TestNetwork.create();
  const stored = await network.store({});
  object = stored.object;
  places = new Map(stored.puts.map(({ shard, permission }) => [shard.index, permission.host.peerId]));
  promised = await network.store({ retainUntil: formatTime(network.nowMs + HOUR_MS) });
  another = await network.store({});
  added = [];
  for (let i = 0; i < 2; i++) added.push(await TestPeer.enrolHost(network.fixture));
  (network.hosts as TestPeer[]).push(...added);
});
afterAll(() => network.remove());

/** Ask for another place of one shard, away from a host. */
async function move(index: number, insteadOf: PeerId, client = network.client): Promise<Put[]> {
  const shard = { ...object.shards[index]!, insteadOf };
  const { retainUntil: _promised, ...again } = object;
  return beginPut(client, { ...again, shards: [shard] });
}

async function placesNow(): Promise<Map<number, PeerId>> {
  const get = { objects: [{ objectId: object.objectId, avoid: [] }] };
  const { body } = await network.client.post<BeginGetAnswer>('/v1/gets', get);
  return new Map(body.objects[0]!.permissions.map(({ index, host }) => [index, host.peerId]));
}

async function tellDone(put: Put): Promise<void> {
  const report = network.doneOf(put);
  await network.host(put.permission.host.peerId).report([report]);
  await network.client.report([report]);
}

describe('a shard that is put elsewhere', () => {
  it('stays where it is until the new host has signed for it, and costs what was agreed, once (B22)', async () => {
    const before = await network.client.credit();
    const [put] = await move(0, places.get(0)!);
    const newHost = put!.permission.host.peerId;
    expect(added.map(({ peerId }) => peerId)).toContain(newHost);
    expect(await placesNow()).toEqual(places);
    expect(await network.client.credit()).toEqual(before);
    await tellDone(put!);
    places.set(0, newHost);
    expect(await placesNow()).toEqual(places);
    expect(await network.client.credit()).toEqual(before);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('does not leave a host that promised to keep it before its time', async () => {
    const { shard, permission } = promised.puts[0]!;
    const { retainUntil: _promised, ...again } = promised.object;
    const shards = [{ ...shard, insteadOf: permission.host.peerId }];
    const { body } = await network.client.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...again, shards }] });
    expect(body.objects[0]).toMatchObject({ permissions: [], unplaced: [shard.index] });
    await network.endAll(HOUR_MS);
    expect(await beginPut(network.client, { ...again, shards })).toHaveLength(1);
    await network.endAll();
  });

  it('is left alone when it is no longer at that host, or the put comes to nothing', async () => {
    expect(await move(0, added.find(({ peerId }) => peerId !== places.get(0))!.peerId)).toEqual([]);
    await move(2, places.get(2)!);
    await network.endAll();
    expect(await placesNow()).toEqual(places);
    expect((await network.client.credit()).reserved).toBe(0);
  });

  it('goes where the later of two puts brings it, whatever becomes of the earlier', async () => {
    const [first] = await move(2, places.get(2)!);
    const [second] = await move(2, places.get(2)!);
    await tellDone(first!);
    expect(await placesNow()).toEqual(places);
    await tellDone(second!);
    places.set(2, second!.permission.host.peerId);
    expect(await placesNow()).toEqual(places);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('goes to no host that whoever moves it names', async () => {
    const shards = [{ ...object.shards[1]!, insteadOf: places.get(1)!, target: added[0]!.peerId }];
    const { code } = await network.client.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...object, shards }] });
    expect(code).toBe('request_invalid');
  });

  it('stays when a machine that may not delete asks for another place', async () => {
    const { object: stolen, puts } = another;
    await network.client.post(`/v1/peers/${network.client.peerId}/append-only`, {});
    const { shard, permission } = puts[0]!;
    const shards = [{ ...shard, insteadOf: permission.host.peerId }];
    const { code } = await network.client.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...stolen, shards }] });
    expect(code).toBe('peer_append_only');
  });

  it('cannot be moved by another account', async () => {
    const other = await TestPeer.enrol(network.fixture);
    const shards = [{ ...object.shards[1]!, insteadOf: places.get(1)! }];
    const { code } = await other.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...object, shards }] });
    expect(code).toBe('object_conflict');
  });
});

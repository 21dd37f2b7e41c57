// What clients wish of the hosts of their shards, at the running broker (B23, B24): by where hosts stand, and by groups.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BeginPutAnswer, GroupId, ListObjectsAnswer, PeerId, Redundancy } from '#protocol';
import { TestNetwork } from '../testing/test-network.js';
import { someObject, TestPeer } from '../testing/test-peer.js';

/** Of each host by its place in the network. */
const REGIONS = ['eu', 'eu', 'eu', 'us', 'us', null, null];
const TABLE = [
  { hosts: 2, dataShards: 1, totalShards: 2, safeShards: 2 },
  { hosts: 3, dataShards: 2, totalShards: 3, safeShards: 2 },
];

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.create({ hosts: REGIONS.length, policy: { redundancy: TABLE } });
});
afterAll(() => network.remove());
beforeEach(() => announceAll());

async function announceAll(): Promise<void> {
  for (const [i, host] of network.hosts.entries()) {
    const region = REGIONS[i];
    await host.announce(1e9, region == null ? {} : { region });
  }
}

const standingIn = (...regions: (string | null)[]): PeerId[] =>
  network.hosts.filter((_, i) => regions.includes(REGIONS[i]!)).map(({ peerId }) => peerId);
const redundancy = async (query: string): Promise<Redundancy & { code?: string | undefined }> => {
  const { body, code } = await network.client.get<Redundancy>(
    query === '' ? '/v1/redundancy' : `/v1/redundancy?${query}`,
  );
  return { ...body, code };
};
const put = (wishes: object | undefined, changes = {}): ReturnType<typeof network.client.post<BeginPutAnswer>> =>
  network.client.post<BeginPutAnswer>('/v1/puts', {
    objects: [someObject(network.fixture, changes)],
    ...(wishes !== undefined && { wishes }),
  });
const hostsOf = ({ body, code, detail }: Awaited<ReturnType<typeof put>>): PeerId[] => {
  if (code !== undefined) throw new Error(`put refused: ${code} ${detail}`);
  return body.objects.flatMap(({ permissions }) => permissions.map(({ host }) => host.peerId));
};
const groupOf = async (...members: readonly TestPeer[]): Promise<GroupId> => {
  const { body } = await network.client.post<{ groupId: GroupId }>('/v1/groups', { name: 'family' });
  for (const { peerId, ...rest } of members.map((peer) => ({ peer, peerId: peer.peerId }))) {
    await rest.peer.post(`/v1/groups/${body.groupId}/applications`, {});
    await network.client.post(`/v1/groups/${body.groupId}/decisions`, { peerId, accept: true });
  }
  return body.groupId;
};

describe('a region', () => {
  it('decides the code, by the hosts that say they stand there', async () => {
    expect(await redundancy('')).toMatchObject({ totalShards: 3, eligibleHosts: 7 });
    expect(await redundancy('regions=eu')).toMatchObject({ totalShards: 3, eligibleHosts: 3 });
    expect(await redundancy('regions=us')).toMatchObject({ totalShards: 2, eligibleHosts: 2 });
    expect(await redundancy('regions=us,eu')).toMatchObject({ eligibleHosts: 5 });
    expect((await redundancy('regions=mars')).code).toBe('not_enough_hosts');
    for (const text of ['', 'EU', 'eu,', 'eu;us', Array(17).fill('eu').join(',')]) {
      expect((await redundancy(`regions=${encodeURIComponent(text)}`)).code).toBe('request_invalid');
    }
  });

  it('gets all shards, and hosts elsewhere none', async () => {
    for (let i = 0; i < 20; i++) {
      expect(hostsOf(await put({ regions: ['eu'] })).sort()).toEqual(standingIn('eu').sort());
    }
    const free = new Set<PeerId>();
    for (let i = 0; i < 20; i++) for (const hostId of hostsOf(await put(undefined))) free.add(hostId);
    expect(free.size).toBeGreaterThan(3);
  });

  it('stays that of the object, whoever asks again and with whatever wish', async () => {
    const object = someObject(network.fixture, { dataShards: 1, totalShards: 2 });
    const begin = (wishes: object, avoid: PeerId[] = []): ReturnType<typeof network.client.post<BeginPutAnswer>> =>
      network.client.post<BeginPutAnswer>('/v1/puts', { objects: [{ ...object, avoid }], wishes });
    expect(hostsOf(await begin({ regions: ['us'] })).sort()).toEqual(standingIn('us').sort());
    await network.fixture.stop();
    await network.fixture.startAgain();
    await announceAll();
    const [avoided, other] = standingIn('us') as [PeerId, PeerId];
    const again = await begin({ regions: ['eu'] }, [avoided]);
    expect(hostsOf(again)).toEqual([other]);
    expect(again.body.objects[0]!.unplaced).toHaveLength(1);
  });

  it('is where the host last said that it stands', async () => {
    const moved = network.hosts[3]!;
    await moved.announce(1e9, { region: 'eu' });
    expect(await redundancy('regions=eu')).toMatchObject({ eligibleHosts: 4 });
    await moved.announce();
    expect(await redundancy('regions=eu')).toMatchObject({ eligibleHosts: 3 });
    expect(await redundancy('regions=us')).toMatchObject({ code: 'not_enough_hosts' });
  });
});

describe('a group', () => {
  it('keeps shards among its members', async () => {
    const members = [network.hosts[0]!, network.hosts[3]!, network.hosts[5]!];
    const group = await groupOf(...members);
    expect(await redundancy(`group=${group}`)).toMatchObject({ totalShards: 3, eligibleHosts: 3 });
    expect(hostsOf(await put({ group })).sort()).toEqual(members.map(({ peerId }) => peerId).sort());
    expect((await put({ group, regions: ['eu'] })).code).toBe('not_enough_hosts');
  });

  it('is wished for by its members alone', async () => {
    const group = await groupOf(network.hosts[0]!, network.hosts[1]!, network.hosts[2]!);
    const stranger = await TestPeer.enrol(network.fixture);
    const body = { objects: [someObject(network.fixture)], wishes: { group } };
    expect((await stranger.post('/v1/puts', body)).code).toBe('group_not_member');
    expect((await stranger.get(`/v1/redundancy?group=${group}`)).code).toBe('group_not_member');
    const { body: listed } = await stranger.get<ListObjectsAnswer>('/v1/objects');
    expect(listed.objects).toEqual([]);
  });

  it('that a member has left gets nothing of that member any more, and the member nothing of the group', async () => {
    const members = [network.hosts[0]!, network.hosts[1]!, network.hosts[2]!];
    const group = await groupOf(...members);
    const object = someObject(network.fixture, { dataShards: 2, totalShards: 3 });
    const begin = (): ReturnType<typeof network.client.post<BeginPutAnswer>> =>
      network.client.post<BeginPutAnswer>('/v1/puts', { objects: [object], wishes: { group } });
    expect(hostsOf(await begin())).toHaveLength(3);
    await members[0]!.post(`/v1/groups/${group}/departures`, {});
    expect((await members[0]!.get(`/v1/redundancy?group=${group}`)).code).toBe('group_not_member');
    expect(hostsOf(await begin()).sort()).toEqual([members[1]!.peerId, members[2]!.peerId].sort());
  });
});

// What becomes of hosts by what was seen of them (B23): probation, silence, leaving; and how their owners and clients see it.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BeginGetAnswer, ListedPeer, ListHostsAnswer, ListPeersAnswer, PeerId } from '#protocol';
import { changePeerState } from '../peers/change-peer-state.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { TestNetwork } from '../testing/test-network.js';
import { beginPut, someObject, someShard, TestPeer } from '../testing/test-peer.js';

const MINUTE_MS = 60_000;
const HALF_DAY_MS = 12 * 60 * MINUTE_MS;
const STEP_MS = 120 * MINUTE_MS;
const REASON = { reason: '' };

const policy = {
  redundancy: [{ hosts: 3, dataShards: 2, totalShards: 3, safeShards: 3 }],
  presenceTtlMs: 2 * STEP_MS,
  presenceIntervalMs: STEP_MS,
  vetting: { days: 0.5, uptimeMin: 0.8, answersMin: 5, auditsMin: 0 },
  leaving: { days: 0.5 },
  audits: { on: false },
};

let network: TestNetwork;
beforeEach(async () => {
  network = await TestNetwork.create({ policy, hosts: 4 });
});
afterEach(() => network.remove());

/** So much time, in which these hosts say that they are there; the broker looks after them at every step. */
async function pass(ms: number, hosts: readonly TestPeer[] = network.hosts): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    network.fixture.clock.advance(STEP_MS);
    for (const host of hosts) await host.announce();
    await network.fixture.broker.keepStandingsNow();
  }
}

async function stateOf(peer: TestPeer): Promise<ListedPeer> {
  const { body } = await peer.get<ListPeersAnswer>('/v1/peers');
  return body.peers.find(({ peerId }) => peerId === peer.peerId)!;
}

async function hostsOf(client: TestPeer): Promise<ListHostsAnswer> {
  return (await client.get<ListHostsAnswer>('/v1/hosts')).body;
}

async function beside<T>(use: (database: BrokerDatabase) => Promise<T>): Promise<T> {
  const database = await BrokerDatabase.open(join(network.fixture.dataDir, 'broker.db'));
  try {
    return await use(database);
  } finally {
    await database.close();
  }
}

const changesOf = (peerId: PeerId): Promise<object[]> =>
  beside(({ reads }) =>
    reads.query(
      'SELECT from_state, to_state, changed_by, code, reason FROM peer_state_changes WHERE peer_id = $1 ORDER BY revision',
      [peerId],
    ),
  );

async function operate(peerId: PeerId, action: 'suspend' | 'resume', reason = ''): Promise<void> {
  const change = { peerId, action, by: 'operator', reason, ofAccount: null, atMs: network.nowMs } as const;
  await beside((database) => database.write((db) => changePeerState(db, change)));
  await network.fixture.broker.noticeChangesNow();
}

describe('a probation', () => {
  it('begins with the enrolment, and a network in which nobody has ended it works at once', async () => {
    const { object } = await network.store();
    expect((await stateOf(network.hosts[0]!)).state).toBe('vetting');
    const get = { objects: [{ objectId: object.objectId, avoid: [] }] };
    const { body } = await network.client.post<BeginGetAnswer>('/v1/gets', get);
    expect(body.objects[0]!.permissions).toHaveLength(3);
  });

  it('ends for hosts that were there, not for one that was silent, nor for a peer that is no host', async () => {
    const [silent, ...there] = network.hosts;
    await pass(2 * STEP_MS);
    await pass(HALF_DAY_MS, there);
    expect(await Promise.all(there.map(async (host) => (await stateOf(host)).state))).toEqual(
      there.map(() => 'active'),
    );
    expect((await stateOf(silent!)).state).toBe('vetting');
    expect((await stateOf(network.client)).state).toBe('vetting');
    expect((await stateOf(there[0]!)).stateChange).toMatchObject({ by: 'broker', code: 'probation_ended' });
    expect(await changesOf(there[0]!.peerId)).toEqual([
      { from_state: 'vetting', to_state: 'active', changed_by: 'broker', code: 'probation_ended', reason: '' },
    ]);
  });

  it('limits a newcomer to its share of the shards, once enough others have ended theirs', async () => {
    await pass(HALF_DAY_MS + STEP_MS);
    // A thousand times the space of the others.
    const newcomer = await TestPeer.enrolHost(network.fixture, 1e12);
    let shards = 0;
    for (let i = 0; i < 60; i++) {
      const puts = await beginPut(network.client, someObject(network.fixture));
      shards += puts.filter(({ permission }) => permission.host.peerId === newcomer.peerId).length;
    }
    // A tenth of three shards of each of sixty objects.
    expect(shards).toBeGreaterThan(5);
    expect(shards).toBeLessThan(36);
  });
});

describe('uptime', () => {
  it('falls while a host is silent, is told to those whose shards it holds, and is kept', async () => {
    const { puts } = await network.store();
    const [first] = puts;
    const silent = first!.permission.host.peerId;
    await pass(4 * STEP_MS);
    await pass(
      6 * STEP_MS,
      network.hosts.filter(({ peerId }) => peerId !== silent),
    );
    const listed = await hostsOf(network.client);
    const uptimeOf = (peerId: PeerId): number | null => listed.hosts.find((host) => host.peerId === peerId)!.uptime;
    // It counts as there until the broker has waited for it: about half of the times, and windows do not begin with us.
    expect(uptimeOf(silent)).toBeGreaterThan(0.2);
    expect(uptimeOf(silent)).toBeLessThan(0.8);
    for (const { permission } of puts.slice(1)) expect(uptimeOf(permission.host.peerId)).toBe(1);

    await network.fixture.stop();
    await network.fixture.startAgain();
    expect((await hostsOf(network.client)).hosts).toEqual(
      listed.hosts.map((host) => ({ ...host, online: expect.any(Boolean) })),
    );
  });

  it('does not fall when everybody falls silent at once: that is the network of the broker', async () => {
    await network.store();
    await pass(4 * STEP_MS);
    await pass(6 * STEP_MS, []);
    expect((await hostsOf(network.client)).hosts.map(({ uptime }) => uptime)).toEqual([1, 1, 1]);
  });
});

describe('speed', () => {
  it('is what clients measured; a host has no say in its own', async () => {
    const object = someObject(network.fixture, { shards: [0, 1, 2].map((index) => someShard(index, 100_000)) });
    const [put, other] = await beginPut(network.client, object);
    await network.client.report([{ ...network.doneOf(put!), tookMs: 500 }]);
    const host = network.host(other!.permission.host.peerId);
    await host.report([{ ...network.doneOf(other!), tookMs: 1 }]);
    await network.client.report([network.doneOf(other!)]);
    const { hosts } = await hostsOf(network.client);
    expect(hosts.map(({ peerId, bytesPerSecond }) => [peerId, bytesPerSecond])).toEqual(
      [
        [put!.permission.host.peerId, 200_000],
        [host.peerId, null],
      ].sort(),
    );
  });
});

describe('GET /v1/hosts', () => {
  it('tells the shards of the account alone, and in how many hands they are', async () => {
    await network.store();
    await network.store();
    const { hosts, total, networks, operators, next } = await hostsOf(network.client);
    expect(hosts.reduce((sum, { shards }) => sum + shards, 0)).toBe(6);
    expect(hosts.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(6_000);
    expect([total, networks, operators]).toEqual([hosts.length, hosts.length, hosts.length]);
    expect(hosts.every(({ name, online }) => name === null && online)).toBe(true);
    expect(next).toBeNull();
    expect(await hostsOf(network.hosts[0]!)).toEqual({ hosts: [], total: 0, networks: 0, operators: 0, next: null });
  });

  it('comes page by page', async () => {
    await network.store();
    const { hosts } = await hostsOf(network.client);
    const first = await network.client.get<ListHostsAnswer>('/v1/hosts?limit=2');
    expect(first.body).toMatchObject({ hosts: hosts.slice(0, 2), total: 3, next: hosts[1]!.peerId });
    const rest = await network.client.get<ListHostsAnswer>(`/v1/hosts?limit=2&after=${first.body.next}`);
    expect(rest.body).toMatchObject({ hosts: hosts.slice(2), total: 3, next: null });
  });
});

describe('a host that leaves', () => {
  it('gets no new shards, is read from, and is gone when what it had is elsewhere and its time is over', async () => {
    const { object, puts } = await network.store();
    const leaving = network.host(puts[0]!.permission.host.peerId);
    const left = await leaving.post<ListedPeer>(`/v1/peers/${leaving.peerId}/leave`, { reason: 'moving house' });
    expect(left.body).toMatchObject({
      state: 'leaving',
      stateChange: { by: 'owner', code: 'owner_asked', reason: 'moving house' },
    });
    for (let i = 0; i < 5; i++) {
      const chosen = await beginPut(network.client, someObject(network.fixture));
      expect(chosen.map(({ permission }) => permission.host.peerId)).not.toContain(leaving.peerId);
    }
    const named = someObject(network.fixture, {
      shards: [{ ...someShard(0), target: leaving.peerId }, someShard(1), someShard(2)],
    });
    expect((await network.client.post('/v1/puts', { objects: [named] })).code).toBe('target_unavailable');
    const get = { objects: [{ objectId: object.objectId, avoid: [] }] };
    const { body } = await network.client.post<BeginGetAnswer>('/v1/gets', get);
    expect(body.objects[0]!.permissions.map(({ host }) => host.peerId)).toContain(leaving.peerId);

    await pass(HALF_DAY_MS + STEP_MS);
    expect((await stateOf(leaving)).state).toBe('leaving');
    const shard = { ...puts[0]!.shard, insteadOf: leaving.peerId };
    const [moved] = await beginPut(network.client, { ...object, shards: [shard] });
    await network.client.report([network.doneOf(moved!)]);
    await network.fixture.broker.keepStandingsNow();
    expect(await stateOf(leaving)).toMatchObject({
      state: 'gone',
      stateChange: { by: 'broker', code: 'nothing_held' },
    });
    // It asks as before; it is no host any more, whatever it offers.
    await leaving.announce();
    expect(
      (
        await network.client.post('/v1/puts', {
          objects: [{ ...named, objectId: someObject(network.fixture).objectId }],
        })
      ).code,
    ).toBe('target_unavailable');
  });

  it('is not gone before its time, though it holds nothing', async () => {
    const [host] = network.hosts;
    await host!.post(`/v1/peers/${host!.peerId}/leave`, REASON);
    await pass(HALF_DAY_MS / 2);
    expect((await stateOf(host!)).state).toBe('leaving');
    await pass(HALF_DAY_MS / 2);
    expect((await stateOf(host!)).state).toBe('gone');
  });

  it('may stay after all, by its owner or by the operator, and every change is kept', async () => {
    const [host] = network.hosts;
    await host!.post(`/v1/peers/${host!.peerId}/leave`, REASON);
    expect((await host!.post<ListedPeer>(`/v1/peers/${host!.peerId}/stay`, REASON)).body.state).toBe('vetting');
    await host!.post(`/v1/peers/${host!.peerId}/leave`, REASON);
    await operate(host!.peerId, 'resume', 'asked by mail');
    expect((await stateOf(host!)).state).toBe('vetting');
    expect(await changesOf(host!.peerId)).toMatchObject([
      { to_state: 'leaving', changed_by: 'owner' },
      { to_state: 'vetting', changed_by: 'owner' },
      { to_state: 'leaving', changed_by: 'owner' },
      { to_state: 'vetting', changed_by: 'operator', code: 'operator_asked', reason: 'asked by mail' },
    ]);
    const chosen = new Set<PeerId>();
    for (let i = 0; i < 20; i++) {
      for (const { permission } of await beginPut(network.client, someObject(network.fixture)))
        chosen.add(permission.host.peerId);
    }
    expect(chosen).toContain(host!.peerId);
  });

  it('is sent away by its own account alone, and does not escape a suspension', async () => {
    const [host, stranger] = network.hosts;
    expect((await stranger!.post(`/v1/peers/${host!.peerId}/leave`, REASON)).code).toBe('peer_unknown');
    const key = await network.fixture.broker.createEnrolmentKey({ accountId: host!.enrolled.accountId });
    const second = await TestPeer.enrol(network.fixture, { kind: 'enrolment-key', key: key.key });
    await operate(host!.peerId, 'suspend', 'looked at');
    for (const what of ['leave', 'stay']) {
      expect((await second.post(`/v1/peers/${host!.peerId}/${what}`, REASON)).code).toBe('peer_suspended');
    }
    await operate(host!.peerId, 'resume');
    expect((await second.post<ListedPeer>(`/v1/peers/${host!.peerId}/leave`, REASON)).body.state).toBe('leaving');
  });
});

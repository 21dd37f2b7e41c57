// Groups at the running broker (B14): apply, decide, leave, and one transaction for all members, each under its own key.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type BeginGetAnswer,
  type BeginGroupAnswer,
  type GroupId,
  type ListGroupsAnswer,
  type PeerId,
  type ReceiptItem,
  uuidV7,
} from '#protocol';
import { someContent, TestNetwork } from '../testing/test-network.js';
import { beginPut, someObject, TestPeer } from '../testing/test-peer.js';

let network: TestNetwork;
let groupId: GroupId;
beforeAll(async () => {
  network = await TestNetwork.create();
});
afterAll(() => network.remove());
beforeEach(async () => {
  for (const host of network.hosts) await host.announce();
  groupId = await create();
});

const create = async (): Promise<GroupId> => {
  const { body } = await network.client.post<{ groupId: GroupId }>('/v1/groups', { name: 'photos' });
  return body.groupId;
};
const apply = (peer: TestPeer): ReturnType<typeof peer.post> => peer.post(`/v1/groups/${groupId}/applications`, {});
const decide = (peer: TestPeer, peerId: PeerId, accept: boolean): ReturnType<typeof peer.post> =>
  peer.post(`/v1/groups/${groupId}/decisions`, { peerId, accept });
const listedBy = async (peer: TestPeer): Promise<ListGroupsAnswer['groups'][number] | undefined> => {
  const { body } = await peer.get<ListGroupsAnswer>('/v1/groups');
  return body.groups.find((group) => group.groupId === groupId);
};
const join = async (...peers: readonly TestPeer[]): Promise<void> => {
  for (const peer of peers) {
    expect((await apply(peer)).status).toBe(200);
    expect((await decide(network.client, peer.peerId, true)).status).toBe(200);
  }
};
const begin = (
  items: object[],
  op = 'put',
  by = network.client,
): ReturnType<typeof network.client.post<BeginGroupAnswer>> =>
  by.post<BeginGroupAnswer>('/v1/group-transactions', { groupId, op, items });

describe('membership', () => {
  it('has a name that is read as it was written', async () => {
    for (const name of ['\ud800'.repeat(64), 'a\ud83d', 'a\u0000b', 'a\u2028b']) {
      expect((await network.client.post('/v1/groups', { name })).code).toBe('request_invalid');
    }
    const name = '\u{1f4f7}'.repeat(32);
    const { body } = await network.client.post<{ groupId: GroupId }>('/v1/groups', { name });
    groupId = body.groupId;
    expect(await listedBy(network.client)).toMatchObject({ name });
  });

  it('is applied for, decided by the owner, and ended by either', async () => {
    const [first, second] = network.hosts as [TestPeer, TestPeer];
    for (let i = 0; i < 2; i++) expect((await apply(first)).status).toBe(200);
    expect(await listedBy(first)).toEqual({
      groupId,
      name: 'photos',
      owned: false,
      standing: 'applicant',
      members: null,
      applicants: null,
    });
    expect(await listedBy(second)).toBeUndefined();
    expect(await listedBy(network.client)).toMatchObject({
      owned: true,
      standing: 'member',
      members: [network.client.peerId],
      applicants: [first.peerId],
    });

    expect((await decide(first, first.peerId, true)).code).toBe('group_not_owned');
    expect((await decide(network.client, second.peerId, true)).code).toBe('group_application_unknown');
    for (let i = 0; i < 2; i++) expect((await decide(network.client, first.peerId, true)).status).toBe(200);
    expect(await listedBy(first)).toMatchObject({ standing: 'member', members: null });
    // A member that applies again is one still.
    expect((await apply(first)).status).toBe(200);
    expect(await listedBy(first)).toMatchObject({ standing: 'member' });
    for (let i = 0; i < 2; i++) expect((await first.post(`/v1/groups/${groupId}/departures`, {})).status).toBe(200);
    expect(await listedBy(first)).toBeUndefined();

    await join(second);
    expect((await decide(network.client, second.peerId, false)).status).toBe(200);
    expect(await listedBy(second)).toBeUndefined();
  });

  it('is refused in groups that are not there', async () => {
    groupId = uuidV7<GroupId>(network.nowMs, randomBytes(10));
    expect((await apply(network.hosts[0]!)).code).toBe('group_unknown');
    expect((await network.client.post('/v1/groups/none/departures', {})).code).toBe('request_invalid');
  });
});

describe('a transaction of a group', () => {
  let items: ReturnType<typeof someContent>[];
  let stored: ReceiptItem[];
  beforeEach(() => {
    items = [someContent(700), someContent(300)];
    stored = items.map((item) => ({ ...item, result: 'stored' }));
  });

  it('has one id, a token per member under its own key, and sets credit aside for each of them', async () => {
    const [first, second, away] = network.hosts as [TestPeer, TestPeer, TestPeer];
    await join(first, second, away);
    await away.post('/v1/presence', { host: null, program: 'test' });
    const before = await network.client.credit();
    const { body } = await begin(items);
    expect(body.permissions.map(({ host }) => host.peerId).sort()).toEqual([first.peerId, second.peerId].sort());
    expect(body.offline).toEqual([away.peerId]);
    for (const { host, token, items: positions } of body.permissions) {
      const claims = network.read(token, network.host(host.peerId), { op: 'batch' });
      expect(claims).toMatchObject({ transactionId: body.transactionId, op: 'put', groupId, items });
      expect(positions).toEqual([0, 1]);
      const other = host.peerId === first.peerId ? second : first;
      expect(() => network.read(token, other, { op: 'batch' })).toThrow(
        expect.objectContaining({ code: 'token_invalid' }),
      );
    }
    expect(await network.client.credit()).toMatchObject({ reserved: before.reserved + 2_000 });

    // Each member is paid for itself alone, and one that failed is given back alone.
    const report = network.done(first, body.transactionId, 'put', stored);
    expect(await second.report([report])).toEqual(['receipt_invalid']);
    // The client may send any member's receipt, and which one a receipt names is believed of that one's key alone.
    const claims = { transactionId: body.transactionId, op: 'put', items: stored } as const;
    const asOther = network.receipt(second, { ...claims, hostId: first.peerId });
    const asStranger = network.receipt(away, claims);
    const forged = [asOther, asStranger].map((receipt) => ({ ...report, receipt }));
    expect(await network.client.report(forged)).toEqual(['receipt_invalid', 'receipt_mismatch']);
    expect(await first.report([report])).toEqual(['recorded']);
    const failed = network.failed(body.transactionId);
    expect(await network.client.report([failed])).toEqual(['request_invalid']);
    const named = network.failed(body.transactionId, 'host_full', { hostId: second.peerId });
    expect(await network.client.report([report, named])).toEqual(['recorded', 'recorded']);
    // Its token is good at that member still; the member's own word ends it.
    expect(await network.client.credit()).toMatchObject({ reserved: before.reserved + 1_000 });
    expect(await second.report([named])).toEqual(['recorded']);
    expect(await network.client.credit()).toEqual({
      ...before,
      available: before.available - 1_000,
      used: before.used + 1_000,
    });
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  });

  it('gets and deletes content of the group only, at the members that have it', async () => {
    const [first, second] = network.hosts as [TestPeer, TestPeer];
    await join(first, second);
    expect((await begin(items, 'get')).code).toBe('group_content_unknown');
    const { body: put } = await begin(items);
    const reports = [first, second].map((host) => network.done(host, put.transactionId, 'put', stored));
    expect(await network.client.report(reports)).toEqual(['recorded', 'recorded']);

    const { body: get } = await begin([items[1]!], 'get', second);
    expect(get.permissions.map(({ host, items: positions }) => [host.peerId, positions])).toEqual([
      [first.peerId, [0]],
    ]);
    expect((await begin([{ ...items[1]!, sizeBytes: 299 }], 'get')).code).toBe('group_content_unknown');

    const { body: deletion } = await begin([items[0]!], 'delete');
    expect(deletion.permissions).toHaveLength(2);
    const gone = network.done(first, deletion.transactionId, 'delete', [{ ...items[0]!, result: 'deleted' }]);
    expect(await first.report([gone])).toEqual(['recorded']);
    const { body: left } = await begin([items[0]!], 'delete');
    expect(left.permissions.map(({ host }) => host.peerId)).toEqual([second.peerId]);
  });

  it('deletes nothing that an object, or another group, has at the same host', async () => {
    const [first] = network.hosts as [TestPeer];
    await join(first);
    const object = someObject(network.fixture);
    const [shard] = object.shards;
    const named = object.shards.map((s) => (s === shard ? { ...s, target: first.peerId } : s));
    const put = (await beginPut(network.client, { ...object, shards: named })).find(
      ({ shard: { index } }) => index === 0,
    )!;
    expect(await network.client.report([network.doneOf(put)])).toEqual(['recorded']);
    const content = { cid: shard!.cid, sizeBytes: shard!.sizeBytes };
    const { body } = await begin([content]);
    const report = network.done(first, body.transactionId, 'put', [{ ...content, result: 'stored' }]);
    expect(await network.client.report([report])).toEqual(['recorded']);
    expect((await begin([content], 'get')).body.permissions).toHaveLength(1);
    expect((await begin([content], 'delete')).body).toMatchObject({ permissions: [], offline: [] });
    // It is the group's no longer, and the object has it still.
    expect((await begin([content], 'get')).code).toBe('group_content_unknown');
    const get = { objects: [{ objectId: object.objectId, avoid: [] }] };
    const { body: still } = await network.client.post<BeginGetAnswer>('/v1/gets', get);
    expect(still.objects[0]!.permissions.map(({ index }) => index)).toEqual([0]);
  });

  it('is of no more parts than can be read at once', async () => {
    // With one item each, 17 members are no matter; with 1,024, their 17,408 parts are too many.
    const more = await Promise.all(Array.from({ length: 14 }, () => TestPeer.enrolHost(network.fixture)));
    await join(...network.hosts, ...more);
    expect((await begin([items[0]!])).body.permissions).toHaveLength(17);
    expect((await begin(Array.from({ length: 1_024 }, () => someContent(1)))).code).toBe('request_too_large');
  });

  it('is begun by members only, with others there, and without a content twice', async () => {
    const [first] = network.hosts as [TestPeer];
    expect((await begin(items)).code).toBe('not_enough_hosts');
    expect((await begin(items, 'put', first)).code).toBe('group_not_member');
    await apply(first);
    expect((await begin(items, 'put', first)).code).toBe('group_not_member');
    await decide(network.client, first.peerId, true);
    expect((await begin([items[0]!, items[0]!])).code).toBe('request_invalid');
    expect((await begin([{ ...items[0]!, sizeBytes: 60_000_000 }])).code).toBe('credit_exceeded');
  });
});

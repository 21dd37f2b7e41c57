// Neighbours on a local network, at the broker (T3, T8): who is approved, who may get what from whom, and who is reported.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ApprovalAnswer,
  checkApproval,
  decodeApproval,
  encodeBase64url,
  formatTime,
  type LanGetAnswer,
  type NetworkAnswer,
  type PeerId,
  uuidV7,
} from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { listRefusals } from '../refusals/list-refusals.js';
import { TestNetwork } from '../testing/test-network.js';
import { TestPeer } from '../testing/test-peer.js';
import { isAliasAddress } from './is-alias-address.js';

const MINUTE_MS = 60_000;
const taskId = encodeBase64url(randomBytes(16));
let network: TestNetwork;
beforeEach(async () => {
  network = await TestNetwork.create({ policy: { lan: { perPeerPerMinute: 5 } } });
});
afterEach(() => network.remove());

/** By another machine of the same account. */
async function shutOut(peer: TestPeer): Promise<void> {
  const { key } = await network.fixture.broker.createEnrolmentKey({ accountId: peer.enrolled.accountId });
  const owner = await TestPeer.enrol(network.fixture, { kind: 'enrolment-key', key });
  expect((await owner.post(`/v1/peers/${peer.peerId}/revoke`, { reason: 'lost' })).status).toBe(200);
}

const approve = (peer: TestPeer, alias: string) => peer.post<ApprovalAnswer>('/v1/approvals', { taskId, alias });

describe('POST /v1/approvals', () => {
  it('approves an answer for exactly its peer, alias and task, for ten minutes', async () => {
    const [host] = network.hosts;
    const { body } = await approve(host!, '192.168.1.20:6515');
    const { signingKeys } = (await network.client.get<NetworkAnswer>('/v1/network')).body;
    const claims = decodeApproval(body.approval, signingKeys);
    const nowMs = network.nowMs;
    expect(claims).toEqual({
      trustDomain: network.fixture.broker.trustDomain,
      hostId: host!.peerId,
      alias: '192.168.1.20:6515',
      taskId,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + 10 * MINUTE_MS,
    });
    checkApproval(claims, { ...claims, nowMs });
    expect(body.expiresAt).toBe(formatTime(nowMs + 10 * MINUTE_MS));
  });

  it('refuses addresses outside local networks, a peer that may serve nobody, and too many', async () => {
    const [host, other] = network.hosts;
    for (const alias of ['8.8.8.8:6515', '224.0.0.1:6515', '[2606:4700::1]:6515', '0.0.0.0:6515']) {
      expect((await approve(host!, alias)).code, alias).toBe('alias_refused');
    }
    for (let i = 0; i < 5; i++) expect((await approve(host!, '10.0.0.1:6515')).status).toBe(200);
    expect((await approve(host!, '10.0.0.1:6515')).code).toBe('rate_exceeded');
    expect((await approve(other!, '10.0.0.1:6515')).status).toBe(200);
    network.fixture.clock.advance(MINUTE_MS);
    expect((await approve(host!, '10.0.0.1:6515')).status).toBe(200);
    await shutOut(other!);
    expect((await approve(other!, '10.0.0.1:6515')).code).toBe('peer_revoked');
  });
});

describe('isAliasAddress', () => {
  it('takes local networks, and others by policy alone', () => {
    const none = { ranges: [], networks: [] } as const;
    const local = ['10.1.2.3', '192.168.0.9', '172.16.0.1', '169.254.7.7', 'fe80::1', 'fd00::1'];
    for (const address of local) expect(isAliasAddress(address, none), address).toBe(true);
    for (const address of ['127.0.0.1', '::1', '8.8.8.8', '2606:4700::1', '0.0.0.0', '224.0.0.1', '::ffff:10.0.0.1']) {
      expect(isAliasAddress(address, none), address).toBe(false);
    }
    expect(isAliasAddress('127.0.0.1', { ranges: ['loopback'], networks: [] })).toBe(true);
    expect(isAliasAddress('8.8.8.8', { ranges: [], networks: ['8.8.8.0/24'] })).toBe(true);
    expect(isAliasAddress('8.8.9.8', { ranges: [], networks: ['8.8.8.0/24'] })).toBe(false);
    expect(isAliasAddress('224.0.0.1', { ranges: [], networks: ['0.0.0.0/0'] })).toBe(false);
  });
});

describe('POST /v1/lan-gets', () => {
  const get = (peer: TestPeer, hostId: PeerId, items: readonly object[]) =>
    peer.post<LanGetAnswer>('/v1/lan-gets', { hostId, items });

  it('permits shards of the own account from a neighbour that is not their host, in the books as a get', async () => {
    const { object } = await network.store();
    const neighbour = await TestPeer.enrol(network.fixture);
    const [shard] = object.shards;
    const item = { objectId: object.objectId, index: shard!.index, cid: shard!.cid, sizeBytes: shard!.sizeBytes };
    const { body } = await get(network.client, neighbour.peerId, [item]);
    expect(body.permissions.map(({ cid }) => cid)).toEqual([shard!.cid]);
    const [{ token, transactionId }] = body.permissions as [LanGetAnswer['permissions'][number]];
    const verified = network.read(token, neighbour, { op: 'get', cid: shard!.cid });
    expect(verified).toMatchObject({ transactionId, op: 'get', clientId: network.client.peerId });

    const served = { cid: shard!.cid, sizeBytes: shard!.sizeBytes, result: 'served' };
    const receipt = network.done(neighbour, transactionId, 'get', [served]);
    expect(await neighbour.report([receipt])).toEqual(['recorded']);
    expect(await network.client.report([receipt])).toEqual(['recorded']);
    const database = await BrokerDatabase.open(join(network.fixture.dataDir, 'broker.db'));
    const [row] = await database.reads.query('SELECT op, state FROM transactions WHERE id = $1', [transactionId]);
    expect(row).toEqual({ op: 'get', state: 'settled' });
    // What it has is no place of the shard: it says so itself, and it may be gone in an hour.
    const places = await database.reads.query('SELECT host_id FROM shards WHERE cid = $1', [shard!.cid]);
    expect(places).not.toContainEqual({ host_id: neighbour.peerId });
    await database.close();
  });

  it('permits nothing of another account, of an object that is deleted, or that is not as it is said', async () => {
    const { object } = await network.store();
    const stranger = await TestPeer.enrol(network.fixture);
    const [host] = network.hosts;
    const [shard] = object.shards;
    const item = { objectId: object.objectId, index: shard!.index, cid: shard!.cid, sizeBytes: shard!.sizeBytes };
    const permitted = async (peer: TestPeer, one: object): Promise<number> =>
      (await get(peer, host!.peerId, [one])).body.permissions.length;
    expect(await permitted(stranger, item)).toBe(0);
    expect(await permitted(network.client, { ...item, sizeBytes: item.sizeBytes + 1 })).toBe(0);
    expect(await permitted(network.client, { ...item, cid: object.shards[1]!.cid })).toBe(0);
    expect(await permitted(network.client, item)).toBe(1);
    const deleted = await network.client.post('/v1/deletes', { objectIds: [object.objectId] });
    expect(deleted.status).toBe(200);
    expect(await permitted(network.client, item)).toBe(0);
  });

  it('permits nothing from a peer that serves nobody, or from oneself', async () => {
    const { object } = await network.store();
    const [shard] = object.shards;
    const item = { objectId: object.objectId, index: shard!.index, cid: shard!.cid, sizeBytes: shard!.sizeBytes };
    const [host] = network.hosts;
    const nobody = uuidV7<PeerId>(network.nowMs, randomBytes(10));
    expect((await get(network.client, nobody, [item])).code).toBe('target_unavailable');
    expect((await get(network.client, network.client.peerId, [item])).code).toBe('target_unavailable');
    await shutOut(host!);
    expect((await get(network.client, host!.peerId, [item])).code).toBe('target_unavailable');
  });
});

describe('POST /v1/lan-reports', () => {
  it('shows liars to the operator, and changes nothing else', async () => {
    const [host] = network.hosts;
    const at = formatTime(network.nowMs);
    const made = uuidV7<PeerId>(network.nowMs, randomBytes(10));
    const items = [
      { peerId: host!.peerId, taskId, code: 'approval_wrong_alias', at },
      { peerId: made, taskId, code: 'made_up', at },
    ];
    expect((await network.client.post('/v1/lan-reports', { items })).status).toBe(200);
    await network.fixture.broker.endExpiredNow();
    const database = await BrokerDatabase.open(join(network.fixture.dataDir, 'broker.db'));
    const refusals = await listRefusals(database.reads, network.nowMs - MINUTE_MS);
    await database.close();
    const by = { askedBy: network.client.peerId, reportedBy: 'client', op: 'get', count: 1 };
    expect(refusals).toContainEqual(
      expect.objectContaining({ ...by, host: host!.peerId, code: 'approval_wrong_alias' }),
    );
    expect(refusals).toContainEqual(expect.objectContaining({ ...by, host: null }));
    const too = new Array(65).fill(items[0]);
    expect((await network.client.post('/v1/lan-reports', { items: too })).code).toBe('request_invalid');
  });
});

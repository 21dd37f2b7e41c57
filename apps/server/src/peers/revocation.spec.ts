// A peer that is shut out, by its owner through the running broker or by the operator beside it: what it can do no more,
// and who hears of it.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ListedPeer, ListPeersAnswer, PeerId, PresenceAnswer, Redundancy } from '#protocol';
import { suspendHost } from '../audits/suspend-host.js';
import { longestTokenLifeMs, parsePolicy } from '../config/policy.js';
import { CHANGES_INTERVAL_MS } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { enrol, makeIdentity, TestPeer } from '../testing/test-peer.js';
import { changePeerState } from './change-peer-state.js';
import type { PeerAction } from './decide-peer-state.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const POLICY = { tokenLifeMs: 15 * MINUTE_MS };

let fixture: BrokerFixture;
let beside: BrokerDatabase;

beforeAll(async () => {
  fixture = await BrokerFixture.start(POLICY);
  beside = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
});

afterAll(async () => {
  await beside.close();
  await fixture.remove();
});

/** A second machine of the account. */
async function enrolBeside(peer: TestPeer): Promise<TestPeer> {
  // Ids rise with time: of one millisecond, nobody could say which is the older.
  fixture.clock.advance(1);
  const { key } = await fixture.broker.createEnrolmentKey({ accountId: peer.enrolled.accountId });
  return TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
}

/** As the operator's command does it, in a process of its own. */
async function operate(peerId: PeerId, action: PeerAction, reason = ''): Promise<void> {
  const change = { peerId, action, by: 'operator', reason, ofAccount: null, atMs: fixture.clock.nowMs() } as const;
  await beside.write((db) => changePeerState(db, change));
}

const revoke = (by: TestPeer, peerId: string, reason = 'stolen') =>
  by.post<ListedPeer>(`/v1/peers/${peerId}/revoke`, { reason });
const keysOf = ({ peerId }: TestPeer): Promise<unknown[]> =>
  beside.reads.query('SELECT kid FROM transaction_keys WHERE peer_id = $1', [peerId]);
const present = async (peer: TestPeer): Promise<PresenceAnswer> =>
  (await peer.post<PresenceAnswer>('/v1/presence', { host: null, program: 'test' })).body;
const eligibleHosts = async (peer: TestPeer): Promise<number> =>
  (await peer.get<Redundancy>('/v1/redundancy')).body.eligibleHosts;

describe('revocation by another machine of the account', () => {
  it('refuses its messages at once, destroys its keys, renews no certificate, and cannot be undone', async () => {
    const owner = await TestPeer.enrol(fixture);
    const lost = await enrolBeside(owner);
    expect(await keysOf(lost)).toHaveLength(1);
    const answer = await revoke(owner, lost.peerId);
    expect(answer).toMatchObject({ status: 200, signed: true });
    expect(answer.body).toMatchObject({ state: 'revoked', stateChange: { by: 'owner', reason: 'stolen' } });
    expect(await keysOf(lost)).toEqual([]);
    for (const path of ['/v1/peers/me', '/v1/peers', '/v1/objects']) {
      expect(await lost.get(path)).toMatchObject({ status: 403, code: 'peer_revoked' });
    }
    for (const path of ['/v1/certificates', '/v1/transaction-keys', '/v1/puts', '/v1/gets']) {
      expect((await lost.post(path, {})).code).toBe('peer_revoked');
    }
    // Nor does its identity key enrol again.
    const credential = { kind: 'enrolment-key', key: (await fixture.broker.createEnrolmentKey()).key } as const;
    expect((await enrol(fixture, { csr: lost.identity.csr, credential })).code).toBe('csr_invalid');
    await expect(operate(lost.peerId, 'resume')).rejects.toMatchObject({ code: 'peer_revoked' });
  });

  it('is told to the owner, with time and reason, and again changes neither', async () => {
    const owner = await TestPeer.enrol(fixture);
    const lost = await enrolBeside(owner);
    const first = await revoke(owner, lost.peerId, 'left on the train');
    fixture.clock.advance(MINUTE_MS);
    expect((await revoke(owner, lost.peerId, 'another reason')).body).toEqual(first.body);
    const { body } = await owner.get<ListPeersAnswer>('/v1/peers');
    expect(body.peers.map(({ peerId, state }) => [peerId, state])).toEqual([
      [owner.peerId, 'vetting'],
      [lost.peerId, 'revoked'],
    ]);
    expect(body.peers[1]).toEqual(first.body);
    const page = await owner.get<ListPeersAnswer>('/v1/peers?limit=1');
    expect([page.body.peers.length, page.body.next]).toEqual([1, owner.peerId]);
    const rest = await owner.get<ListPeersAnswer>(`/v1/peers?limit=1&after=${owner.peerId}`);
    expect([rest.body.peers[0]?.peerId, rest.body.next]).toEqual([lost.peerId, null]);
  });

  it('is for peers of the account only: another account hears what it hears of a peer that is not there', async () => {
    const owner = await TestPeer.enrol(fixture);
    const stranger = await TestPeer.enrol(fixture);
    const told = async (peerId: string) => {
      const { status, code, detail, body } = await revoke(stranger, peerId);
      return { status, code, detail, members: Object.keys(body) };
    };
    const unknown = await told('01890000-0000-7000-8000-000000000001');
    expect(unknown).toMatchObject({ status: 404, code: 'peer_unknown' });
    expect(await told(owner.peerId)).toEqual(unknown);
    expect((await told('me')).code).toBe('peer_unknown');
    expect((await owner.get('/v1/peers/me')).status).toBe(200);
    expect((await revoke(owner, owner.peerId)).code).toBe('request_invalid');
    expect((await owner.get('/v1/peers/me')).status).toBe(200);
  });

  it('takes a host out of the choice, also when it says once more that it is there', async () => {
    const owner = await TestPeer.enrol(fixture);
    const host = await enrolBeside(owner);
    await host.announce();
    await TestPeer.enrolHost(fixture);
    const before = await eligibleHosts(owner);
    const [, again] = await Promise.all([revoke(owner, host.peerId), host.announce()]);
    expect(again.code === undefined || again.code === 'peer_revoked').toBe(true);
    expect(await eligibleHosts(owner)).toBe(before - 1);
  });
});

describe('suspension and revocation by the operator beside the running broker', () => {
  it('are noticed by the next look, at most 5 s later', async () => {
    expect(CHANGES_INTERVAL_MS).toBeLessThanOrEqual(5 * SECOND_MS);
    const peer = await TestPeer.enrolHost(fixture);
    const other = await TestPeer.enrol(fixture);
    await TestPeer.enrolHost(fixture);
    const hosts = await eligibleHosts(other);
    await operate(peer.peerId, 'suspend', 'looked at');
    expect((await peer.get('/v1/peers/me')).status).toBe(200);
    fixture.clock.advance(CHANGES_INTERVAL_MS);
    // Joins the run that the clock has started.
    await fixture.broker.noticeChangesNow();
    expect(await peer.get('/v1/peers/me')).toMatchObject({ status: 403, code: 'peer_suspended', signed: true });
    expect(await eligibleHosts(other)).toBe(hosts - 1);

    await operate(peer.peerId, 'resume');
    await fixture.broker.noticeChangesNow();
    expect((await peer.get('/v1/peers/me')).status).toBe(200);

    await operate(peer.peerId, 'revoke', 'sold');
    await fixture.broker.noticeChangesNow();
    expect(await peer.get('/v1/peers/me')).toMatchObject({ status: 403, code: 'peer_revoked' });
    expect(await keysOf(peer)).toEqual([]);
  });

  it('are told to hosts for as long as tokens of the client may live, and no longer after a resume', async () => {
    const host = await TestPeer.enrolHost(fixture);
    const [gone, back] = [await TestPeer.enrol(fixture), await TestPeer.enrol(fixture)];
    await operate(gone.peerId, 'revoke');
    await operate(back.peerId, 'suspend');
    await fixture.broker.noticeChangesNow();
    expect((await present(host)).withdrawn.clients).toEqual(expect.arrayContaining([gone.peerId, back.peerId]));
    await operate(back.peerId, 'resume');
    await fixture.broker.noticeChangesNow();
    const { clients, issuedBefore } = (await present(host)).withdrawn;
    expect([clients.includes(gone.peerId), clients.includes(back.peerId), issuedBefore]).toEqual([true, false, null]);
    // Ten minutes: the skew of two clocks.
    fixture.clock.advance(longestTokenLifeMs(parsePolicy(POLICY)) + 10 * MINUTE_MS + 1);
    expect((await present(host)).withdrawn.clients).toEqual([]);
  });

  it('are found out in the order of their commits, each once, whoever else enrols meanwhile', async () => {
    const peers = await Promise.all(Array.from({ length: 12 }, () => TestPeer.enrol(fixture)));
    const looks = peers.map(async (peer, i) => {
      await operate(peer.peerId, i % 2 === 0 ? 'suspend' : 'revoke');
      await fixture.broker.noticeChangesNow();
    });
    await Promise.all([...looks, makeIdentity()]);
    await fixture.broker.noticeChangesNow();
    const codes = await Promise.all(peers.map(async (peer) => (await peer.get('/v1/peers/me')).code));
    expect(codes).toEqual(peers.map((_, i) => (i % 2 === 0 ? 'peer_suspended' : 'peer_revoked')));
  });

  it('hold after a restart', async () => {
    const host = await TestPeer.enrolHost(fixture);
    const [gone, held] = [await TestPeer.enrolHost(fixture), await TestPeer.enrolHost(fixture)];
    await operate(gone.peerId, 'revoke');
    await operate(held.peerId, 'suspend');
    await fixture.stop();
    fixture.clock.advance(SECOND_MS);
    await fixture.startAgain();
    expect((await gone.get('/v1/peers/me')).code).toBe('peer_revoked');
    expect((await held.get('/v1/peers/me')).code).toBe('peer_suspended');
    expect((await present(host)).withdrawn.clients).toEqual(expect.arrayContaining([gone.peerId, held.peerId]));
  });
});

describe('suspension by the audits', () => {
  const bySelf = async (peer: TestPeer): Promise<void> => {
    await beside.write((db) => suspendHost(db, peer.peerId, fixture.clock.nowMs()));
    await fixture.broker.noticeChangesNow();
  };

  it('ends hosting, and leaves the owner of the machine the own backups (B25)', async () => {
    const peer = await TestPeer.enrolHost(fixture);
    const client = await TestPeer.enrol(fixture);
    await TestPeer.enrolHost(fixture);
    const before = await eligibleHosts(client);
    await bySelf(peer);
    expect((await peer.announce()).status).toBe(200);
    expect(await eligibleHosts(client)).toBe(before - 1);
    for (const path of ['/v1/peers/me', '/v1/objects', '/v1/credit']) expect((await peer.get(path)).status).toBe(200);
    expect((await present(client)).withdrawn.clients).not.toContain(peer.peerId);
    expect((await peer.post(`/v1/peers/${peer.peerId}/stay`, { reason: '' })).code).toBe('peer_suspended');
    await operate(peer.peerId, 'resume');
    await fixture.broker.noticeChangesNow();
    await peer.announce();
    expect(await eligibleHosts(client)).toBe(before);
  });

  it('becomes a whole one when the operator says so, and not the other way round', async () => {
    const peer = await TestPeer.enrolHost(fixture);
    await bySelf(peer);
    await operate(peer.peerId, 'suspend', 'it lies');
    await fixture.broker.noticeChangesNow();
    expect((await peer.get('/v1/peers/me')).code).toBe('peer_suspended');
    await bySelf(peer);
    expect((await peer.get('/v1/peers/me')).code).toBe('peer_suspended');
  });
});

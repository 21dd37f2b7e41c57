// What peers keep of their network (F2, T8): keys that check what the broker signs, LAN keys, a name of their own; and what
// a relay may ask. At the running broker.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  decodeBase64url,
  KEY_BYTES,
  type NetworkAnswer,
  networkAnswer,
  type PeerStatusAnswer,
  STATEMENT_KINDS,
  signingKid,
} from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { enrol, makeIdentity, TestPeer } from '../testing/test-peer.js';

const DAY_MS = 86_400_000;

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start({ relayDomain: 'peers.example' });
});
afterEach(() => fixture.remove());

async function networkOf(peer: TestPeer): Promise<NetworkAnswer> {
  const answer = await peer.get<NetworkAnswer>('/v1/network');
  expect(answer).toMatchObject({ status: 200, signed: true });
  return networkAnswer.parse(answer.body);
}

async function enrolRelay(): Promise<TestPeer> {
  const { key } = await fixture.broker.createEnrolmentKey({ purpose: 'relay' });
  return TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
}

describe('GET /v1/network', () => {
  it('tells a key of each use, named as its bytes say, and the LAN keys of now and next', async () => {
    const answer = await networkOf(await TestPeer.enrol(fixture));
    expect(answer.signingKeys.map(({ use }) => use)).toEqual([...STATEMENT_KINDS]);
    for (const { kid, publicKey } of answer.signingKeys) expect(signingKid(decodeBase64url(publicKey)!)).toBe(kid);
    expect(answer.lanKeys).toHaveLength(2);
    const [current, next] = answer.lanKeys;
    expect(current!.until).toBe(next!.from);
    expect(current!.key).not.toBe(next!.key);
    expect(answer).toMatchObject({ publicName: 'box', relayDomain: 'peers.example' });
  });

  it('tells everybody the same, and after a restart too', async () => {
    const peer = await TestPeer.enrol(fixture);
    const { signingKeys, lanKeys } = await networkOf(peer);
    await fixture.stop();
    await fixture.startAgain();
    fixture.clock.advance(2_000);
    expect(await networkOf(peer)).toMatchObject({ signingKeys, lanKeys });
    expect(await networkOf(await TestPeer.enrol(fixture))).toMatchObject({ signingKeys, lanKeys });
  });

  it('tells the next key a day before the first one ends, and the next epoch in its time', async () => {
    await fixture.remove();
    fixture = await BrokerFixture.start({ signing: { keyLifeMs: 4 * DAY_MS, lanEpochMs: 2 * DAY_MS } });
    const peer = await TestPeer.enrol(fixture);
    const first = await networkOf(peer);
    fixture.clock.advance(3 * DAY_MS);
    const later = await networkOf(peer);
    const kids = (answer: NetworkAnswer): string[] => answer.signingKeys.map(({ kid }) => kid);
    expect(later.signingKeys).toHaveLength(6);
    expect(kids(later)).toEqual(expect.arrayContaining(kids(first)));
    // Each use has its newest first.
    expect(kids(first)).not.toContain(later.signingKeys[0]!.kid);
    expect(later.lanKeys[0]).toMatchObject(first.lanKeys[1]!);
  });

  it('is there after the key-encryption key turned over, and none of its secrets is in the database', async () => {
    const peer = await TestPeer.enrol(fixture);
    const before = await networkOf(peer);
    await fixture.broker.askForKeyRotation();
    await fixture.broker.noticeChangesNow();
    await fixture.stop();
    await fixture.startAgain();
    fixture.clock.advance(2_000);
    const { signingKeys, lanKeys } = await networkOf(peer);
    expect({ signingKeys, lanKeys }).toEqual({ signingKeys: before.signingKeys, lanKeys: before.lanKeys });
    const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    const rows = await database.reads.query<Record<string, string>[]>('SELECT * FROM lan_epochs');
    await database.close();
    const stored = Buffer.from(JSON.stringify(rows));
    for (const { key } of lanKeys) {
      expect(decodeBase64url(key)).toHaveLength(KEY_BYTES);
      expect(stored.includes(key)).toBe(false);
    }
  });
});

describe('public names', () => {
  it('are what a machine is called while that is free, and its own for good', async () => {
    const first = await TestPeer.enrol(fixture);
    const second = await TestPeer.enrol(fixture);
    expect((await networkOf(first)).publicName).toBe('box');
    const { publicName } = await networkOf(second);
    expect(publicName).toMatch(/^box-[a-z2-7]{4}$/);
    expect((await second.get<PeerStatusAnswer>('/v1/peers/me')).body.publicName).toBe(publicName);
    await fixture.stop();
    await fixture.startAgain();
    fixture.clock.advance(2_000);
    expect((await networkOf(second)).publicName).toBe(publicName);
  });

  it('are never what programs take for the operator, nor what is shown as something else', async () => {
    for (const [name, expected] of [
      ['www', /^www-[a-z2-7]{4}$/],
      ['wpad', /^wpad-[a-z2-7]{4}$/],
      ['xn--pypal-4ve', /^peer-[a-z2-7]{4}$/],
    ] as const) {
      const identity = await makeIdentity();
      const { key } = await fixture.broker.createEnrolmentKey();
      await enrol(fixture, { csr: identity.csr, credential: { kind: 'enrolment-key', key }, name });
      const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
      const [row] = await database.reads.query<{ name: string }[]>(
        'SELECT n.name AS name FROM peer_names n JOIN peers p ON p.id = n.peer_id WHERE p.name = $1',
        [name],
      );
      await database.close();
      expect(row!.name).toMatch(expected);
    }
  });

  it('of the longest fit with a suffix', async () => {
    const name = 'a'.repeat(63);
    for (let i = 0; i < 2; i++) {
      const { key } = await fixture.broker.createEnrolmentKey();
      const { csr } = await makeIdentity();
      expect((await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key }, name })).status).toBe(200);
    }
  });
});

describe('a relay', () => {
  it('is let in by a key that was made for relays, owns nothing, and learns the signing keys alone', async () => {
    const relay = await enrolRelay();
    const { lanKeys, publicName, signingKeys } = await networkOf(relay);
    expect([lanKeys, publicName, signingKeys.length]).toEqual([[], null, 3]);
    expect(await relay.credit()).toMatchObject({ available: 0 });
  });

  it('hosts nothing, stores nothing and asks for nothing that machines ask for', async () => {
    const relay = await enrolRelay();
    expect(await relay.announce()).toMatchObject({ status: 403, code: 'relay_not_allowed', signed: true });
    for (const path of ['/v1/objects', '/v1/credit', '/v1/hosts', '/v1/peers', '/v1/escrow', '/v1/repairs/own'])
      expect((await relay.get(path)).code).toBe('relay_not_allowed');
    for (const path of ['/v1/puts', '/v1/gets', '/v1/deletes', '/v1/reports', '/v1/groups', '/v1/repairs/begin'])
      expect((await relay.post(path, {})).code).toBe('relay_not_allowed');
  });

  it('renews its keys and certificate as other peers do', async () => {
    const relay = await enrolRelay();
    expect((await relay.post('/v1/certificates', { csr: relay.identity.csr })).status).toBe(200);
    expect((await relay.post('/v1/transaction-keys', {})).status).toBe(200);
    expect((await relay.get('/v1/peers/me')).status).toBe(200);
  });
});

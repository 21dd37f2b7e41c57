// Relays at the running broker (F2): who is one, which peers are sent there, under which leases, what answers tell of hosts
// that are attached to one, what a relay may book, and whose a name is.
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type BeginGetAnswer,
  type BeginPutAnswer,
  decodeLease,
  type LeaseClaims,
  type NameAnswer,
  type NetworkAnswer,
  type PeerAddress,
  type PeerId,
  type PresenceAnswer,
  RELAY_USAGE_ITEMS_MAX,
  type RelayAttachmentAnswer,
  type RelayUsageAnswer,
  type SigningKey,
} from '#protocol';
import { AdminClient } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { announceRelay, enrolRelay, startRelay } from '../testing/relay-messages.js';
import { type Answer, beginPut, someObject, TestPeer } from '../testing/test-peer.js';

const MINUTE_MS = 60_000;
const OPENING_CREDIT = 1_000_000;

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start({ openingCreditBytes: OPENING_CREDIT, relayDomain: 'peers.example' });
});
afterEach(async () => {
  expect(await fixture.broker.checkLedger()).toEqual([]);
  await fixture.remove();
});

function attach(peer: TestPeer, change: object = {}): Promise<Answer<RelayAttachmentAnswer>> {
  return peer.post('/v1/relay-attachments', { avoid: [], stayWith: null, web: false, ...change });
}

async function keysOf(peer: TestPeer): Promise<SigningKey[]> {
  return (await peer.get<NetworkAnswer>('/v1/network')).body.signingKeys;
}

describe('a relay', () => {
  it('says that it is there, and hears what is due', async () => {
    const relay = await enrolRelay(fixture);
    expect(await announceRelay(relay)).toMatchObject({
      status: 200,
      signed: true,
      body: { nextPresenceMs: 10_000, renewCertificate: false, renewTransactionKey: false, isDrained: false },
    });
  });

  it('is nobody who was not let in as one, and is where hosts may be', async () => {
    const machine = await TestPeer.enrol(fixture);
    expect(await announceRelay(machine)).toMatchObject({ status: 403, code: 'relay_unknown', signed: true });
    expect((await machine.post('/v1/relays/usage', { items: [] })).code).toBe('relay_unknown');
    const relay = await enrolRelay(fixture);
    for (const address of ['0.0.0.0', '10.0.0.1', '169.254.169.254', '2002:7f00:1::'])
      expect((await announceRelay(relay, { address })).code).toBe('host_address_refused');
    // Nor where the broker itself connects to nobody: through such a relay it could probe no host (trap 16).
    for (const port of [22, 1_023, fixture.broker.port])
      expect((await announceRelay(relay, { port })).code).toBe('host_address_refused');
    expect((await announceRelay(relay, { port: 443 })).status).toBe(200);
    expect((await attach(relay)).code).toBe('relay_not_allowed');
  });
});

describe('attaching', () => {
  it('is refused while there is no relay, and while the only one is silent, stops or failed the peer', async () => {
    const peer = await TestPeer.enrol(fixture);
    expect(await attach(peer)).toMatchObject({ status: 503, code: 'relay_unavailable' });
    const relay = await startRelay(fixture);
    expect((await attach(peer)).status).toBe(200);
    expect((await attach(peer, { avoid: [relay.peerId] })).code).toBe('relay_unavailable');
    fixture.clock.advance(30_001);
    expect((await attach(peer)).code).toBe('relay_unavailable');
    await announceRelay(relay, { isEnding: true });
    expect((await attach(peer)).code).toBe('relay_unavailable');
    await announceRelay(relay, { peers: 100 });
    expect((await attach(peer)).code).toBe('relay_unavailable');
    expect((await attach(peer, { stayWith: relay.peerId })).status).toBe(200);
  });

  it('gives a lease for that relay and that peer, in its name, which any peer can check', async () => {
    const relay = await startRelay(fixture, { port: 9_443 });
    const peer = await TestPeer.enrol(fixture);
    const { body } = await attach(peer, { web: true });
    expect(body).toMatchObject({ relayId: relay.peerId, address: '127.0.0.1', port: 9_443 });
    const claims = decodeLease(body.lease, await keysOf(relay));
    expect(claims).toMatchObject({
      trustDomain: fixture.broker.trustDomain,
      kind: 'serve',
      relayId: relay.peerId,
      subject: peer.peerId,
      peerId: peer.peerId,
      name: 'box',
      web: true,
      issuedAtMs: fixture.clock.nowMs(),
    });
    expect(new Date(claims.expiresAtMs).toISOString()).toBe(body.expiresAt);
  });

  it('lets browsers in where peer and policy want them', async () => {
    await fixture.stop();
    await fixture.startAgain({ relay: { webAllowed: false } });
    const relay = await startRelay(fixture);
    const peer = await TestPeer.enrol(fixture);
    const { body } = await attach(peer, { web: true });
    expect(decodeLease(body.lease, await keysOf(relay)).web).toBe(false);
  });

  it('knows the relays again after a restart, and spreads peers over them', async () => {
    const relays = [await startRelay(fixture, { peersMax: 3 }), await startRelay(fixture, { peersMax: 3 })];
    await fixture.stop();
    await fixture.startAgain();
    fixture.clock.advance(1_000);
    const sent = new Map<PeerId, number>(relays.map(({ peerId }) => [peerId, 0]));
    for (let i = 0; i < 6; i++) {
      const { relayId } = (await attach(await TestPeer.enrol(fixture))).body;
      sent.set(relayId, sent.get(relayId)! + 1);
    }
    // None is sent where there is no place left, before the relay itself has told of it.
    expect([...sent.values()]).toEqual([3, 3]);
    expect((await attach(await TestPeer.enrol(fixture))).code).toBe('relay_unavailable');
  });

  it('takes one place, however often the same peer asks', async () => {
    await startRelay(fixture, { peersMax: 2 });
    const peer = await TestPeer.enrol(fixture);
    for (let i = 0; i < 5; i++) expect((await attach(peer)).status).toBe(200);
    expect((await attach(await TestPeer.enrol(fixture))).status).toBe(200);
  });

  it('is over for a relay that was shut out', async () => {
    const relay = await startRelay(fixture);
    const { key } = await fixture.broker.createEnrolmentKey({ accountId: relay.enrolled.accountId });
    const owner = await TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
    expect((await owner.post(`/v1/peers/${relay.peerId}/revoke`, { reason: 'stolen' })).status).toBe(200);
    expect((await attach(owner)).code).toBe('relay_unavailable');
  });
});

describe('a host that is attached to a relay', () => {
  interface Attached {
    readonly relay: TestPeer;
    readonly client: TestPeer;
    readonly host: TestPeer;
  }
  async function attached(): Promise<Attached> {
    const relay = await startRelay(fixture);
    const client = await TestPeer.enrol(fixture);
    const host = await TestPeer.enrol(fixture);
    await host.announce(1e9, { relayId: relay.peerId });
    return { relay, client, host };
  }
  const oneShard = () => someObject(fixture, { dataShards: 1, totalShards: 1 });

  async function putAddress(client: TestPeer): Promise<PeerAddress> {
    const { body } = await client.post<BeginPutAnswer>('/v1/puts', { objects: [oneShard()] });
    return body.objects[0]!.permissions[0]!.host;
  }

  it('is told with the way through it, and a lease for exactly that client', async () => {
    const { relay, client, host } = await attached();
    const address = await putAddress(client);
    expect(address).toMatchObject({
      peerId: host.peerId,
      address: '127.0.0.1',
      port: 4711,
      relay: { relayId: relay.peerId, address: '127.0.0.1', port: 8_443, isOnlyWay: true },
    });
    const claims = decodeLease(address.relay!.lease, await keysOf(relay));
    expect(claims).toMatchObject({
      kind: 'reach',
      relayId: relay.peerId,
      subject: client.peerId,
      peerId: host.peerId,
      name: null,
      web: false,
    });
  });

  it('is told with one lease for half of its life, and another for another client', async () => {
    const { client } = await attached();
    const lease = (await putAddress(client)).relay!.lease;
    expect((await putAddress(client)).relay!.lease).toBe(lease);
    const other = await TestPeer.enrol(fixture);
    expect((await putAddress(other)).relay!.lease).not.toBe(lease);
  });

  it('is told with a new lease when half of the old one is over', async () => {
    const { relay, client, host } = await attached();
    const lease = (await putAddress(client)).relay!.lease;
    fixture.clock.advance(31 * MINUTE_MS);
    await announceRelay(relay);
    await host.announce(1e9, { relayId: relay.peerId });
    expect((await putAddress(client)).relay!.lease).not.toBe(lease);
  });

  it('is told so to whoever gets from it, streams from it or deletes there', async () => {
    const { relay, client, host } = await attached();
    const object = oneShard();
    const puts = await beginPut(client, object);
    await client.report(
      puts.map((put) => ({
        outcome: 'done',
        transactionId: put.permission.transactionId,
        receipt: host.receiptFor(put),
      })),
    );
    const objects = [{ objectId: object.objectId, avoid: [] }];
    const get = await client.post<BeginGetAnswer>('/v1/gets', { objects });
    const relayId = relay.peerId;
    expect(get.body.objects[0]!.permissions[0]!.host).toMatchObject({ relay: { relayId } });
    const stream = await client.post<{ permissions: { host: PeerAddress }[] }>('/v1/streams', {
      objectId: object.objectId,
      maxBytes: 10,
      avoid: [],
    });
    expect(stream.body.permissions[0]!.host).toMatchObject({ relay: { relayId } });
    const deletion = await client.post<{ batches: { host: PeerAddress }[] }>('/v1/deletes', {
      objectIds: [object.objectId],
    });
    expect(deletion.body.batches[0]!.host).toMatchObject({ relay: { relayId } });
  });

  it('gets no shards while its relay is gone', async () => {
    const { relay, client, host } = await attached();
    fixture.clock.advance(31_000);
    const refused = await client.post<BeginPutAnswer>('/v1/puts', { objects: [oneShard()] });
    expect(refused.code).toBe('not_enough_hosts');
    await announceRelay(relay);
    fixture.clock.advance(1_000);
    expect((await putAddress(client)).peerId).toBe(host.peerId);
  });

  it('is one without a relay when it says so, or names a peer that is none', async () => {
    const { client, host } = await attached();
    await host.announce(1e9);
    expect((await putAddress(client)).relay).toBeUndefined();
    await host.announce(1e9, { relayId: client.peerId });
    expect((await putAddress(client)).relay).toBeUndefined();
  });

  it('is attached still after the broker was restarted', async () => {
    const { relay, client } = await attached();
    await fixture.stop();
    await fixture.startAgain();
    fixture.clock.advance(1_000);
    expect((await putAddress(client)).relay).toMatchObject({ relayId: relay.peerId });
  });

  it('is never probed through a relay that stands where the broker connects to nobody any more (trap 16)', async () => {
    const { port } = fixture.broker;
    await fixture.stop();
    await fixture.startAgain();
    const relay = await startRelay(fixture, { port });
    await fixture.stop();
    await fixture.startAgain({ probeHosts: true }, { listen: { host: '127.0.0.1', port } });
    const host = await TestPeer.enrol(fixture);
    const { body } = await host.post<PresenceAnswer>('/v1/presence', {
      host: { listenPort: 4711, shareBytes: 1, usedBytes: 0, freeBytes: 1, relayId: relay.peerId },
      program: 'test',
    });
    expect(body).toMatchObject({ reachable: false, unreachableReason: 'host_address_refused' });
  });

  it('hears that nobody tried the direct way yet', async () => {
    const { relay, host } = await attached();
    const { body } = await host.post<PresenceAnswer>('/v1/presence', {
      host: { listenPort: 4711, shareBytes: 1, usedBytes: 0, freeBytes: 1, relayId: relay.peerId },
      program: 'test',
    });
    expect(body.direct).toBeNull();
  });
});

describe('what a relay carried', () => {
  interface Carrying {
    readonly relay: TestPeer;
    readonly client: TestPeer;
    readonly lease: string;
    readonly claims: LeaseClaims;
  }
  async function carrying(policy: object = {}): Promise<Carrying> {
    await fixture.stop();
    await fixture.startAgain({ openingCreditBytes: OPENING_CREDIT, relay: policy });
    fixture.clock.advance(1_000);
    const relay = await startRelay(fixture);
    const client = await TestPeer.enrol(fixture);
    const host = await TestPeer.enrol(fixture);
    await host.announce(1e9, { relayId: relay.peerId });
    const object = someObject(fixture, { dataShards: 1, totalShards: 1 });
    const { body } = await client.post<BeginPutAnswer>('/v1/puts', { objects: [object] });
    const { lease } = body.objects[0]!.permissions[0]!.host.relay!;
    return { relay, client, lease, claims: decodeLease(lease, await keysOf(relay)) };
  }
  const tell = (relay: TestPeer, items: object[]): Promise<Answer<RelayUsageAnswer>> =>
    relay.post('/v1/relays/usage', { items });

  it('is booked as a total: told twice, or less, it changes nothing; by default it costs nothing', async () => {
    const { relay, client, lease } = await carrying();
    const before = (await client.credit()).available;
    expect((await tell(relay, [{ lease, bytes: 1_000 }])).body).toEqual({ taken: 1, refused: [] });
    expect(
      (
        await tell(relay, [
          { lease, bytes: 1_000 },
          { lease, bytes: 5 },
        ])
      ).body,
    ).toEqual({ taken: 2, refused: [] });
    expect((await client.credit()).available).toBe(before);
    expect((await relay.credit()).available).toBe(0);
  });

  it('moves what the policy says from who asked to the relay, once', async () => {
    const { relay, client, lease } = await carrying({ bytePrice: 0.5 });
    const before = (await client.credit()).available;
    for (const bytes of [1_000, 1_000, 400, 3_000]) await tell(relay, [{ lease, bytes }]);
    expect((await client.credit()).available).toBe(before - 1_500);
    expect((await relay.credit()).available).toBe(1_500);
  });

  it('takes no more than its client has, and keeps nobody from a get', async () => {
    const { relay, client, lease } = await carrying({ bytePrice: 1 });
    const before = (await client.credit()).available;
    expect((await tell(relay, [{ lease, bytes: 1e12 }])).status).toBe(200);
    expect((await client.credit()).available).toBe(0);
    expect((await relay.credit()).available).toBe(before);
    expect((await client.get('/v1/objects')).status).toBe(200);
  });

  it('is no more than the lease allowed', async () => {
    const { relay, lease } = await carrying({ bytePrice: 1, reachBytesMax: 700 });
    await tell(relay, [{ lease, bytes: 5_000 }]);
    expect((await relay.credit()).available).toBe(700);
  });

  it('counts under leases alone that the broker gave out for this relay', async () => {
    const { relay, lease, claims } = await carrying({ bytePrice: 1 });
    const other = await startRelay(fixture);
    expect((await tell(other, [{ lease, bytes: 10 }])).body).toEqual({ taken: 0, refused: [claims.leaseId] });
    const [header, payload, signature] = lease.split('.') as [string, string, string];
    const forged = `${header}.${payload}.${signature.slice(0, -4)}AAAA`;
    expect(
      (
        await tell(relay, [
          { lease: forged, bytes: 10 },
          { lease: 'nonsense', bytes: 1 },
        ])
      ).body,
    ).toEqual({
      taken: 0,
      refused: [],
    });
    expect([(await relay.credit()).available, (await other.credit()).available]).toEqual([0, 0]);
  });

  it('counts under the lease of the peer itself only where that lets visitors in', async () => {
    const { relay, client } = await carrying({ bytePrice: 1 });
    const [without, within] = [await attach(client), await attach(client, { web: true })];
    const { leaseId } = decodeLease(without.body.lease, await keysOf(relay));
    const items = [without, within].map(({ body }) => ({ lease: body.lease, bytes: 10 }));
    expect((await tell(relay, items)).body).toEqual({ taken: 1, refused: [leaseId] });
    expect((await relay.credit()).available).toBe(10);
  });

  it('may be told of a thousand leases at once', async () => {
    const { relay, lease } = await carrying();
    const items = Array.from({ length: RELAY_USAGE_ITEMS_MAX }, (_, i) => ({ lease, bytes: i }));
    expect((await tell(relay, items)).body).toEqual({ taken: RELAY_USAGE_ITEMS_MAX, refused: [] });
  });

  it('counts until six days after the end of the lease, and is forgotten then', async () => {
    const { relay, lease, claims } = await carrying({ bytePrice: 1 });
    await tell(relay, [{ lease, bytes: 10 }]);
    fixture.clock.setWallMs(claims.expiresAtMs + 5 * 24 * 60 * MINUTE_MS);
    await fixture.broker.endExpiredNow();
    expect((await tell(relay, [{ lease, bytes: 30 }])).body.taken).toBe(1);
    fixture.clock.setWallMs(claims.expiresAtMs + 7 * 24 * 60 * MINUTE_MS);
    await fixture.broker.endExpiredNow();
    expect((await tell(relay, [{ lease, bytes: 30 }])).body.taken).toBe(0);
    expect((await relay.credit()).available).toBe(30);
  });
});

describe('an operator', () => {
  const reason = 'for the test';

  it('drains a relay: no peer is sent there, nor stays, until that is taken back', async () => {
    const relay = await startRelay(fixture);
    const peer = await TestPeer.enrol(fixture);
    const operator = await AdminClient.as(fixture, 'operator');
    const ask = (verb: string) => operator.post(`/v1/admin/relays/${relay.peerId}/${verb}`, { reason });
    expect((await ask('drain')).body).toMatchObject({ isOnline: true, drainReason: reason });
    expect((await attach(peer)).code).toBe('relay_unavailable');
    expect((await attach(peer, { stayWith: relay.peerId })).code).toBe('relay_unavailable');
    expect((await announceRelay(relay)).body.isDrained).toBe(true);
    await fixture.stop();
    await fixture.startAgain();
    fixture.clock.advance(1_000);
    expect((await attach(peer)).code).toBe('relay_unavailable');
    const again = await AdminClient.as(fixture, 'operator');
    const taken = await again.post(`/v1/admin/relays/${relay.peerId}/undrain`, { reason });
    expect(taken.body).toMatchObject({ drainedAt: null, drainReason: null });
    expect((await attach(peer)).status).toBe(200);
    const { items } = (await again.get('/v1/admin/log')).body as { items: { action: string }[] };
    expect(items.map(({ action }) => action).filter((action) => action.startsWith('relay.'))).toEqual([
      'relay.undrain',
      'relay.drain',
    ]);
  });

  it('sees what each relay serves and has carried', async () => {
    const relay = await startRelay(fixture, { peers: 7, streams: 3, region: 'eu' });
    const host = await TestPeer.enrol(fixture);
    await host.announce(1e9, { relayId: relay.peerId });
    const { body } = await attach(host, { web: true });
    await relay.post('/v1/relays/usage', { items: [{ lease: body.lease, bytes: 1_234 }] });
    const operator = await AdminClient.as(fixture, 'viewer');
    const { items } = (await operator.get('/v1/admin/relays')).body;
    const expected = { relayId: relay.peerId, peers: 7, hosts: 1, streams: 3, region: 'eu', carriedBytes: '1234' };
    expect(items).toMatchObject([expected]);
    expect((await operator.get(`/v1/admin/relays/${relay.peerId}`)).body).toMatchObject(expected);
    expect((await operator.get(`/v1/admin/relays/${host.peerId}`)).code).toBe('peer_unknown');
  });

  it('makes keys for relays, which let in relays alone', async () => {
    const operator = await AdminClient.as(fixture, 'support');
    const made = await operator.post('/v1/admin/enrolment-keys', { purpose: 'relay', reason });
    expect(made.body).toMatchObject({ purpose: 'relay' });
    const relay = await TestPeer.enrol(fixture, { kind: 'enrolment-key', key: String(made.body.key) });
    expect((await announceRelay(relay)).status).toBe(200);
    const { items } = (await operator.get('/v1/admin/enrolment-keys')).body as { items: { purpose: string }[] };
    // All of them are made in the same millisecond: their order is chance.
    expect(items.find(({ purpose }) => purpose === 'relay')).toMatchObject({ usesLeft: 0 });
  });
});

describe('GET /v1/names/{name}', () => {
  const look = async (name: string): Promise<{ status: number; body: NameAnswer & { code?: string } }> =>
    request(fixture.url)
      .get(`/v1/names/${name}`)
      .ca(await fixture.caPem());

  it('tells anybody whose it is, and where its page is while a relay serves it', async () => {
    const peer = await TestPeer.enrol(fixture);
    expect((await look('box')).body).toEqual({ name: 'box', peerId: peer.peerId, url: null, relay: null });
    const relay = await startRelay(fixture, { webPort: 443 });
    await peer.announce(1e9, { relayId: relay.peerId });
    expect((await look('box')).body).toMatchObject({
      url: 'https://box.peers.example/',
      relay: { address: '127.0.0.1', port: 8_443 },
    });
    await announceRelay(relay, { webPort: 8_444 });
    expect((await look('box')).body.url).toBe('https://box.peers.example:8444/');
    await announceRelay(relay, { webPort: null });
    expect((await look('box')).body.url).toBeNull();
  });

  it('knows no other names', async () => {
    for (const name of ['nobody', 'Box', 'a_b', '%00', 'x'.repeat(64)])
      expect(await look(name)).toMatchObject({ status: 404, body: { code: 'name_unknown' } });
  });

  it('is asked only so often from one network', async () => {
    const answers: number[] = [];
    for (let i = 0; i < 13; i++) {
      const asked = await Promise.all(Array.from({ length: 50 }, () => look('nobody')));
      answers.push(...asked.map(({ status }) => status));
    }
    expect(answers.filter((status) => status === 404)).toHaveLength(600);
    expect(answers.filter((status) => status === 429)).toHaveLength(50);
  });
});

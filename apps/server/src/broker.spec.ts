// The running broker, over HTTPS, as peers meet it: enrolment, signatures, puts, gets, reports, keys, restart.
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type BeginGetAnswer,
  type BeginPutAnswer,
  type EnrolmentCredential,
  encodeBase64url,
  encodeHex,
  formatSpiffeId,
  formatTime,
  isRefusal,
  parseJoinLink,
  recoveryProofMessage,
  spiffeIdOfAltNames,
  TransactionKey,
  unwrapTransactionKey,
  verifyToken,
} from '#protocol';
import { PeerEntity } from './peers/peer.entity.js';
import { BrokerDatabase } from './platform/broker-database.js';
import { BrokerFixture } from './testing/broker-fixture.js';
import { beginPut, enrol, makeIdentity, readDataFile, someObject, someShard, TestPeer } from './testing/test-peer.js';

const MINUTE_MS = 60_000;
const OPENING_CREDIT = 1_000_000;

let fixture: BrokerFixture;

beforeAll(async () => {
  fixture = await BrokerFixture.start({ openingCreditBytes: OPENING_CREDIT });
});

afterAll(async () => {
  expect(await fixture.broker.checkLedger()).toEqual([]);
  await fixture.remove();
});

const keyCredential = async (): Promise<EnrolmentCredential> => ({
  kind: 'enrolment-key',
  key: (await fixture.broker.createEnrolmentKey()).key,
});

describe('first contact', () => {
  it('shows a CA that the join link pins, and a certificate with the SPIFFE id of the broker', async () => {
    const { caSha256, host, port } = parseJoinLink(fixture.broker.joinLink);
    const chain = await new Promise<{ own: X509Certificate; ca: Buffer; protocol: string | null }>(
      (resolve, reject) => {
        const socket = connect({ host, port, rejectUnauthorized: false }, () => {
          const certificate = socket.getPeerCertificate(true);
          resolve({
            own: new X509Certificate(certificate.raw),
            ca: certificate.issuerCertificate.raw,
            protocol: socket.getProtocol(),
          });
          socket.destroy();
        });
        socket.on('error', reject);
      },
    );
    const ca = new X509Certificate(chain.ca);
    expect(ca.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(caSha256);
    expect(chain.own.verify(ca.publicKey)).toBe(true);
    expect(spiffeIdOfAltNames(chain.own.subjectAltName)?.subject).toBe('broker');
    expect(chain.protocol).toBe('TLSv1.3');
  });

  it('describes itself at /docs-json, answers /healthz, and knows no other routes', async () => {
    const ca = await fixture.caPem();
    const document = await request(fixture.url).get('/docs-json').ca(ca).expect(200);
    expect(Object.keys(document.body.paths).sort()).toEqual([
      '/healthz',
      '/readyz',
      '/v1/approvals',
      '/v1/certificates',
      '/v1/credit',
      '/v1/deletes',
      '/v1/device-authorizations',
      '/v1/enrolments',
      '/v1/escrow',
      '/v1/escrow-keys',
      '/v1/escrow-recoveries',
      '/v1/escrow-recoveries/{recoveryId}/cancel',
      '/v1/escrow-recoveries/{recoveryId}/claim',
      '/v1/escrow-removals',
      '/v1/gets',
      '/v1/group-transactions',
      '/v1/groups',
      '/v1/groups/{groupId}/applications',
      '/v1/groups/{groupId}/decisions',
      '/v1/groups/{groupId}/departures',
      '/v1/hosts',
      '/v1/keep-filter',
      '/v1/kits',
      '/v1/kits/{kitId}/withdraw',
      '/v1/lan-gets',
      '/v1/lan-reports',
      '/v1/losses',
      '/v1/names/{name}',
      '/v1/network',
      '/v1/objects',
      '/v1/offline-gets',
      '/v1/peers',
      '/v1/peers/me',
      '/v1/peers/{peerId}/append-only',
      '/v1/peers/{peerId}/leave',
      '/v1/peers/{peerId}/revoke',
      '/v1/peers/{peerId}/stay',
      '/v1/presence',
      '/v1/puts',
      '/v1/recovery-key',
      '/v1/redundancy',
      '/v1/relay-attachments',
      '/v1/relays/presence',
      '/v1/relays/usage',
      '/v1/repairs/begin',
      '/v1/repairs/end',
      '/v1/repairs/own',
      '/v1/reports',
      '/v1/streams',
      '/v1/transaction-keys',
      '/v1/universals',
    ]);
    await request(fixture.url).get('/healthz').ca(ca).expect(200, { status: 'ok' });
    const missing = await request(fixture.url).get('/v1/nothing').ca(ca).expect(404);
    expect(missing.body.code).toBe('route_unknown');
    expect(missing.headers['content-type']).toContain('application/problem+json');
  });
});

describe('enrolment', () => {
  it('certifies the key of the request for exactly this peer', async () => {
    const peer = await TestPeer.enrol(fixture);
    const certificate = new X509Certificate(peer.enrolled.certificate);
    expect(certificate.verify(new X509Certificate(await fixture.caPem()).publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(peer.identity.privateKey)).toBe(true);
    expect(certificate.subjectAltName).toBe(
      `URI:${formatSpiffeId({ trustDomain: fixture.broker.trustDomain, subject: peer.peerId })}`,
    );
    expect((await peer.get<{ name: string }>('/v1/peers/me')).body.name).toBe('box');
  });

  it('lets exactly as many machines in as the key has uses, also when they come at once', async () => {
    const { key } = await fixture.broker.createEnrolmentKey({ uses: 3 });
    const identities = await Promise.all(Array.from({ length: 8 }, () => makeIdentity()));
    const answers = await Promise.all(
      identities.map(({ csr }) => enrol(fixture, { csr, credential: { kind: 'enrolment-key', key } })),
    );
    expect(answers.map(({ status, code }) => code ?? status).sort()).toEqual([
      200,
      200,
      200,
      ...Array.from({ length: 5 }, () => 'enrolment_key_invalid'),
    ]);
  });

  it('refuses a key that has expired or was never made', async () => {
    const { csr } = await makeIdentity();
    const { key } = await fixture.broker.createEnrolmentKey({ lifeMs: MINUTE_MS });
    fixture.clock.advance(MINUTE_MS + 1);
    expect((await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key } })).code).toBe(
      'enrolment_key_invalid',
    );
    const unknown = `pke_${encodeBase64url(new Uint8Array(32))}`;
    expect((await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key: unknown } })).code).toBe(
      'enrolment_key_invalid',
    );
  });

  it('registers a new account for each use, or adds a machine to the account that the key names', async () => {
    const first = await TestPeer.enrol(fixture);
    const second = await TestPeer.enrol(fixture);
    expect(second.enrolled.accountId).not.toBe(first.enrolled.accountId);
    const { key } = await fixture.broker.createEnrolmentKey({ accountId: first.enrolled.accountId });
    const machine = await TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
    expect(machine.enrolled.accountId).toBe(first.enrolled.accountId);
    expect((await machine.credit()).available).toBe(OPENING_CREDIT);
  });

  it('enrols one peer per identity key: the same request again gets nothing', async () => {
    const { csr } = await makeIdentity();
    expect((await enrol(fixture, { csr, credential: await keyCredential() })).status).toBe(200);
    expect((await enrol(fixture, { csr, credential: await keyCredential() })).code).toBe('csr_invalid');
  });

  it('refuses a certificate request that its own key did not sign', async () => {
    const { csrDer } = await makeIdentity();
    const altered = Uint8Array.from(csrDer);
    altered[altered.length - 1]! ^= 1;
    const credential = await keyCredential();
    expect((await enrol(fixture, { csr: encodeBase64url(altered), credential })).code).toBe('csr_invalid');
    expect((await enrol(fixture, { csr: 'AAAA', credential })).code).toBe('csr_invalid');
  });

  it('names the field that breaks the schema', async () => {
    const { csr } = await makeIdentity();
    const answer = await enrol(fixture, { csr, credential: await keyCredential(), name: 'Not A Name' });
    expect(answer).toMatchObject({ status: 400, code: 'request_invalid' });
    expect(answer.detail).toMatch(/^name: /);
  });
});

describe('recovery', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const publicBytes = publicKey.export({ format: 'jwk' }).x!;
  const proofFor = (
    csrDer: Uint8Array,
    madeAtMs: number,
    trustDomain = fixture.broker.trustDomain,
  ): EnrolmentCredential => {
    const madeAt = formatTime(madeAtMs);
    const message = recoveryProofMessage({ trustDomain, csrDer, madeAt });
    return {
      kind: 'recovery-proof',
      publicKey: publicBytes,
      proof: encodeBase64url(sign(null, message, privateKey)),
      madeAt,
    };
  };

  it('lets a new machine into the account by the phrase, bound to its own request and time', async () => {
    const first = await makeIdentity();
    const tooEarly = await enrol(fixture, {
      csr: first.csr,
      credential: proofFor(first.csrDer, fixture.clock.nowMs()),
    });
    expect(tooEarly.code).toBe('recovery_proof_invalid');

    const owner = await TestPeer.enrol(fixture);
    expect((await owner.post('/v1/recovery-key', { publicKey: publicBytes })).status).toBe(200);
    expect((await owner.post('/v1/recovery-key', { publicKey: publicBytes })).status).toBe(200);

    const nowMs = fixture.clock.nowMs();
    const stolen = proofFor((await makeIdentity()).csrDer, nowMs);
    for (const credential of [
      stolen,
      proofFor(first.csrDer, nowMs - 6 * MINUTE_MS),
      proofFor(first.csrDer, nowMs, 'other.example'),
    ]) {
      expect((await enrol(fixture, { csr: first.csr, credential })).code).toBe('recovery_proof_invalid');
    }
    const recovered = await enrol(fixture, { csr: first.csr, credential: proofFor(first.csrDer, nowMs) });
    expect(recovered.body.accountId).toBe(owner.enrolled.accountId);
  });

  it('gives an account one phrase, and a phrase one account', async () => {
    const owner = await TestPeer.enrol(fixture);
    expect((await owner.post('/v1/recovery-key', { publicKey: publicBytes })).code).toBe('recovery_key_exists');
    const own = encodeBase64url(new Uint8Array(32).fill(7));
    expect((await owner.post('/v1/recovery-key', { publicKey: own })).status).toBe(200);
    const other = encodeBase64url(new Uint8Array(32).fill(8));
    expect((await owner.post('/v1/recovery-key', { publicKey: other })).code).toBe('recovery_key_exists');
  });
});

describe('signed messages', () => {
  let peer: TestPeer;
  let other: TestPeer;
  const body = { host: null, program: 'test' };

  beforeAll(async () => {
    peer = await TestPeer.enrol(fixture);
    other = await TestPeer.enrol(fixture);
  });

  it('takes a message once, and signs its answer', async () => {
    const nonce = new Uint8Array(16).fill(1);
    const first = await peer.post('/v1/presence', body, { nonce });
    expect(first).toMatchObject({ status: 200, signed: true });
    const again = await peer.post('/v1/presence', body, { nonce });
    expect(again).toMatchObject({ status: 409, code: 'message_replayed', signed: true });
    expect((await other.post('/v1/presence', body, { nonce })).status).toBe(200);
  });

  it('refuses, in signed or unsigned answers by whether the sender is known', async () => {
    const nowMs = fixture.clock.nowMs();
    const later = '{"host":null,"program":"altered"}';
    const cases = [
      { changes: { unsigned: true }, code: 'signature_missing', signed: false },
      { changes: { sentBody: later }, code: 'digest_mismatch', signed: false },
      { changes: { sentPath: '/v1/puts' }, code: 'signature_invalid', signed: false },
      { changes: { peerId: other.peerId }, code: 'key_unknown', signed: false },
      { changes: { key: new TransactionKey(new Uint8Array(32)) }, code: 'key_unknown', signed: false },
      { changes: { createdMs: nowMs - 6 * MINUTE_MS }, code: 'message_stale', signed: true },
      { changes: { createdMs: nowMs + 6 * MINUTE_MS }, code: 'message_stale', signed: true },
      { changes: { createdMs: nowMs + 7_000 }, code: 'message_stale', signed: true },
    ];
    for (const { changes, code, signed } of cases) {
      expect(await peer.post('/v1/presence', body, changes)).toMatchObject({ status: 401, code, signed });
    }
  });

  it('takes a message from a clock that is a little ahead', async () => {
    expect((await peer.post('/v1/presence', body, { createdMs: fixture.clock.nowMs() + 5_000 })).status).toBe(200);
  });

  it('answers a broken request of a known peer with a signed problem', async () => {
    const answer = await peer.post('/v1/puts', { objects: [{ ...someObject(fixture), kind: 'nonsense' }] });
    expect(answer).toMatchObject({ status: 400, code: 'request_invalid', signed: true });
    expect(answer.detail).toMatch(/^objects\.0\.kind: /);
    const more = await peer.post('/v1/presence', { ...body, extra: 1 });
    expect(more.code).toBe('request_invalid');
  });

  it('refuses a body past the bound before it reads it', async () => {
    const huge = await request(fixture.url)
      .post('/v1/enrolments')
      .ca(await fixture.caPem())
      .set('content-type', 'application/json')
      .send(`"${'x'.repeat(5 * 1024 * 1024)}"`);
    expect([huge.status, huge.body.code]).toEqual([413, 'request_too_large']);
  });

  it('takes a renewed key from its first use on, and the old one until its tokens have ended', async () => {
    const renewing = await TestPeer.enrol(fixture);
    const old = renewing.key;
    const asked = await renewing.post<{ wrappedKey: string }>('/v1/transaction-keys', {});
    const next = unwrapTransactionKey(asked.body.wrappedKey, old, renewing.peerId);
    const askedAgain = await renewing.post<{ wrappedKey: string }>('/v1/transaction-keys', {});
    expect(unwrapTransactionKey(askedAgain.body.wrappedKey, old, renewing.peerId).kid).toBe(next.kid);
    expect((await renewing.get('/v1/peers/me', { key: old })).status).toBe(200);

    expect((await renewing.get('/v1/peers/me', { key: next })).status).toBe(200);
    expect((await renewing.get('/v1/peers/me', { key: old })).status).toBe(200);
    fixture.clock.advance(25 * MINUTE_MS + 1);
    expect((await renewing.get('/v1/peers/me', { key: old })).code).toBe('key_unknown');
    expect((await renewing.get('/v1/peers/me', { key: next })).status).toBe(200);
  });

  it('refuses a suspended peer, in a signed answer', async () => {
    const separate = await BrokerFixture.start();
    const suspended = await TestPeer.enrol(separate);
    await separate.stop();
    const database = await BrokerDatabase.open(join(separate.dataDir, 'broker.db'));
    await database.write((db) => db.update(PeerEntity, { id: suspended.peerId }, { state: 'suspended' }));
    await database.close();
    await separate.startAgain();
    expect(await suspended.get('/v1/peers/me')).toMatchObject({ status: 403, code: 'peer_suspended', signed: true });
    await separate.remove();
  });

  it('renews a certificate for the same identity key only', async () => {
    const renewed = await peer.post<{ certificate: string }>('/v1/certificates', { csr: peer.identity.csr });
    expect(new X509Certificate(renewed.body.certificate).checkPrivateKey(peer.identity.privateKey)).toBe(true);
    const { csr } = await makeIdentity();
    expect((await peer.post('/v1/certificates', { csr })).code).toBe('csr_invalid');
  });
});

describe('puts, gets and reports', () => {
  let client: TestPeer;
  let hosts: Map<string, TestPeer>;

  beforeEach(async () => {
    // The hosts of the test before fall silent.
    fixture.clock.advance(2 * MINUTE_MS);
    client = await TestPeer.enrolHost(fixture);
    const three = await Promise.all([1, 2, 3].map(() => TestPeer.enrolHost(fixture)));
    hosts = new Map(three.map((host) => [host.peerId, host]));
  });

  const hostOf = (put: { permission: { host: { peerId: string } } }): TestPeer =>
    hosts.get(put.permission.host.peerId)!;

  /** Both ends report what really happened. */
  const complete = async (put: Awaited<ReturnType<typeof beginPut>>[number]): Promise<void> => {
    const { transactionId } = put.permission;
    const report = { outcome: 'done', transactionId, receipt: hostOf(put).receiptFor(put) };
    expect(await hostOf(put).report([report])).toEqual(['recorded']);
    expect(await client.report([report])).toEqual(['recorded']);
  };

  it('asks for the code that the hosts at hand allow, the client itself not counted', async () => {
    const { body } = await client.get('/v1/redundancy');
    expect(body).toEqual({ dataShards: 2, totalShards: 3, safeShards: 3, eligibleHosts: 3 });
  });

  it('permits each shard on another host, by a token that only that host can check', async () => {
    const object = someObject(fixture);
    const puts = await beginPut(client, object);
    expect(new Set(puts.map(({ permission }) => permission.host.peerId))).toEqual(new Set(hosts.keys()));
    for (const put of puts) {
      const host = hostOf(put);
      expect(put.permission.host).toEqual({ peerId: host.peerId, address: '127.0.0.1', port: 4711 });
      const expected = {
        keyOf: (kid: string) => (kid === host.key.kid ? host.key : undefined),
        trustDomain: fixture.broker.trustDomain,
        hostId: host.peerId,
        clientId: client.peerId,
        op: 'put' as const,
        cid: put.shard.cid,
        nowMs: fixture.clock.nowMs(),
      };
      const token = verifyToken(put.permission.token, expected);
      expect(token.items).toEqual([{ cid: put.shard.cid, sizeBytes: put.shard.sizeBytes }]);
      expect(token.transactionId).toBe(put.permission.transactionId);
      expect(token.expiresAtMs - token.issuedAtMs).toBe(15 * MINUTE_MS);
    }
    expect(await client.credit()).toEqual({ available: OPENING_CREDIT - 3_000, reserved: 3_000, used: 0, withheld: 0 });
  });

  it('places an unfinished shard anew when asked again, and leaves a stored one alone', async () => {
    const object = someObject(fixture);
    const first = await beginPut(client, object);
    await complete(first[0]!);
    const spare = await TestPeer.enrolHost(fixture);
    hosts.set(spare.peerId, spare);

    const failed = first[1]!;
    const again = await client.post<BeginPutAnswer>('/v1/puts', {
      objects: [{ ...object, shards: [first[0]!.shard, failed.shard], avoid: [failed.permission.host.peerId] }],
    });
    const [answered] = again.body.objects;
    expect(answered!.unplaced).toEqual([]);
    expect(answered!.permissions.map(({ index }) => index)).toEqual([failed.shard.index]);
    // One shard a peer: the other two hosts hold shards of the object, so the spare one is left.
    expect(answered!.permissions[0]!.host.peerId).toBe(spare.peerId);
    expect(await client.credit()).toEqual({
      available: OPENING_CREDIT - 4_000,
      reserved: 3_000,
      used: 1_000,
      withheld: 0,
    });

    const none = await client.post<BeginPutAnswer>('/v1/puts', {
      objects: [{ ...object, shards: [failed.shard], avoid: [failed.permission.host.peerId, spare.peerId] }],
    });
    expect(none.body.objects[0]).toMatchObject({ permissions: [], unplaced: [failed.shard.index] });
  });

  it('refuses other content under a known object id, from its owner and from others', async () => {
    const object = someObject(fixture);
    await beginPut(client, object);
    const conflict = async (peer: TestPeer, changed: object): Promise<string | undefined> =>
      (await peer.post('/v1/puts', { objects: [changed] })).code;
    expect(await conflict(client, { ...object, shards: [someShard(0)] })).toBe('object_conflict');
    expect(await conflict(client, { ...object, sizeBytes: 1 })).toBe('object_conflict');
    expect(await conflict(client, { ...object, dataShards: 1 })).toBe('object_conflict');
    const [stranger] = hosts.values();
    expect(await conflict(stranger!, object)).toBe('object_conflict');
  });

  it('refuses what cannot become safe, and reserves nothing for it', async () => {
    const refused = async (changes: object): Promise<string | undefined> =>
      (await client.post('/v1/puts', { objects: [{ ...someObject(fixture), ...changes }] })).code;
    expect(await refused({ dataShards: 1 })).toBe('redundancy_changed');
    expect(await refused({ avoid: [...hosts.keys()].slice(0, 1) })).toBe('not_enough_hosts');
    expect(await refused({ shards: [0, 1, 2].map((index) => someShard(index, 64 * 1024 * 1024)) })).toBe(
      'credit_exceeded',
    );
    expect(await refused({ shards: [someShard(0), someShard(0)] })).toBe('request_invalid');
    expect(await client.credit()).toEqual({ available: OPENING_CREDIT, reserved: 0, used: 0, withheld: 0 });
  });

  it('does not promise a host more than it has', async () => {
    for (const host of hosts.values()) await host.announce(1.5 * 1024 * 1024);
    const sized = (): object => someObject(fixture, { shards: [0, 1, 2].map((index) => someShard(index, 150_000)) });
    const answers = await Promise.all([1, 2].map(() => client.post('/v1/puts', { objects: [sized(), sized()] })));
    // 2 x 2 objects of 450,000 reserve more than the opening credit; of the rest, space is the bound.
    expect(answers.map(({ code }) => code).sort()).toEqual(['credit_exceeded', undefined]);
    const tight = someObject(fixture, { shards: [0, 1, 2].map((index) => someShard(index, 1_400_000)) });
    expect((await client.post('/v1/puts', { objects: [tight] })).code).toBe('not_enough_hosts');
  });

  it('settles a put once: with the receipt of the host and the word of the client', async () => {
    const object = someObject(fixture);
    const [put] = await beginPut(client, object);
    const host = hostOf(put!);
    const report = { outcome: 'done', transactionId: put!.permission.transactionId, receipt: host.receiptFor(put!) };
    expect(await host.report([report, report])).toEqual(['recorded', 'recorded']);
    expect((await client.credit()).used).toBe(0);
    expect(await client.report([report])).toEqual(['recorded']);
    expect(await client.report([report])).toEqual(['recorded']);
    expect(await host.report([report])).toEqual(['recorded']);
    expect(await client.credit()).toEqual({
      available: OPENING_CREDIT - 3_000,
      reserved: 2_000,
      used: 1_000,
      withheld: 0,
    });
    const status = await host.get<{ storedShards: number; storedBytes: number }>('/v1/peers/me');
    expect(status.body).toMatchObject({ storedShards: 1, storedBytes: 1_000 });
  });

  it('takes no receipt that the host of the transaction did not sign for exactly it', async () => {
    const puts = await beginPut(client, someObject(fixture));
    const [put] = puts;
    const host = hostOf(put!);
    const other = hostOf(puts[1]!);
    const { transactionId } = put!.permission;
    const done = (receipt: string): object => ({ outcome: 'done', transactionId, receipt });
    const results = await client.report([
      done(other.receiptFor(put!)),
      done(other.receiptFor(put!, { hostId: host.peerId })),
      done(host.receiptFor(put!, { clientId: other.peerId })),
      done(host.receiptFor(put!, { items: [{ ...put!.shard, sizeBytes: 999, result: 'stored' }] })),
      done(host.receiptFor(put!, { op: 'get', items: [{ ...put!.shard, result: 'served' }] })),
      done(host.receiptFor(put!, { trustDomain: 'other.example' })),
      done(host.receiptFor(puts[1]!)),
      { outcome: 'done', transactionId: client.peerId, receipt: host.receiptFor(put!) },
    ]);
    expect(results).toEqual([
      'receipt_invalid',
      'receipt_invalid',
      ...Array.from({ length: 5 }, () => 'receipt_mismatch'),
      'transaction_unknown',
    ]);
    expect(await other.report([done(host.receiptFor(put!))])).toEqual(['transaction_unknown']);
    expect((await host.get<{ storedShards: number }>('/v1/peers/me')).body.storedShards).toBe(0);
  });

  it('gives the reservation back at the end, when the client failed and when nobody said anything', async () => {
    const [failed, silent, unconfirmed] = await beginPut(client, someObject(fixture));
    const at = formatTime(fixture.clock.nowMs());
    const { transactionId } = failed!.permission;
    const report = { outcome: 'failed', transactionId, code: 'peer_unreachable', at };
    expect(await client.report([report, report])).toEqual(['recorded', 'recorded']);
    expect((await client.credit()).reserved).toBe(3_000);

    const host = hostOf(unconfirmed!);
    await host.report([
      { outcome: 'done', transactionId: unconfirmed!.permission.transactionId, receipt: host.receiptFor(unconfirmed!) },
      { outcome: 'refused', code: 'token_invalid', clientId: client.peerId, count: 7, at },
    ]);
    fixture.clock.advance(25 * MINUTE_MS + 1);
    await fixture.broker.endExpiredNow();
    // The bytes of the third are at the host: a client that keeps silent about it does not get its credit back.
    expect(await client.credit()).toEqual({ available: OPENING_CREDIT - 1_000, reserved: 1_000, used: 0, withheld: 0 });

    // A pair of reports that comes late still settles.
    await complete(silent!);
    expect(await client.credit()).toEqual({
      available: OPENING_CREDIT - 2_000,
      reserved: 1_000,
      used: 1_000,
      withheld: 0,
    });
  });

  /** What its owner can list and get of an object, and what it has in credit. */
  const stateOf = async (object: { objectId: string }): Promise<object> => {
    const listed = await client.get<{ objects: { objectId: string }[] }>('/v1/objects');
    const get = await client.post<BeginGetAnswer>('/v1/gets', { objects: [{ objectId: object.objectId, avoid: [] }] });
    return {
      safe: listed.body.objects.some(({ objectId }) => objectId === object.objectId),
      indexes: get.body.objects[0]!.permissions.map(({ index }) => index).sort(),
      credit: await client.credit(),
    };
  };
  const doneBy = (put: Awaited<ReturnType<typeof beginPut>>[number]): object => ({
    outcome: 'done',
    transactionId: put.permission.transactionId,
    receipt: hostOf(put).receiptFor(put),
  });
  const failedOf = (put: Awaited<ReturnType<typeof beginPut>>[number], code = 'peer_unreachable'): object => ({
    outcome: 'failed',
    transactionId: put.permission.transactionId,
    code,
    at: formatTime(fixture.clock.nowMs()),
  });

  it('keeps the credit of shards that their hosts have, whatever the client says', async () => {
    const object = someObject(fixture);
    const puts = await beginPut(client, object);
    for (const put of puts) await hostOf(put).report([doneBy(put)]);
    expect(await client.report(puts.map((put) => failedOf(put)))).toEqual(['recorded', 'recorded', 'recorded']);
    const stored = {
      safe: true,
      indexes: [0, 1, 2],
      credit: { available: OPENING_CREDIT - 3_000, reserved: 3_000, used: 0, withheld: 0 },
    };
    expect(await stateOf(object)).toEqual(stored);
    fixture.clock.advance(25 * MINUTE_MS + 1);
    await fixture.broker.endExpiredNow();
    for (const host of hosts.values()) await host.announce();
    expect(await stateOf(object)).toEqual(stored);
    expect(await fixture.broker.checkLedger()).toEqual([]);

    // A client that lost an answer only, and has the receipt after all, pays; its hosts earn by what they prove alone.
    const before = await hostOf(puts[0]!).credit();
    for (const put of puts) expect(await client.report([doneBy(put)])).toEqual(['recorded']);
    expect(await hostOf(puts[0]!).credit()).toEqual(before);
    expect(await client.credit()).toMatchObject({ reserved: 0, used: 3_000 });
  });

  it('stores nothing by receipts of puts that had ended', async () => {
    const object = someObject(fixture);
    const first = await beginPut(client, object);
    const second = await beginPut(client, object);
    for (const put of [...first, ...second]) await hostOf(put).report([failedOf(put)]);
    const credit = { available: OPENING_CREDIT, reserved: 0, used: 0, withheld: 0 };
    for (const put of [...first, ...second]) expect(await hostOf(put).report([doneBy(put)])).toEqual(['recorded']);
    expect(await stateOf(object)).toEqual({ safe: false, indexes: [], credit });
    expect(await fixture.broker.checkLedger()).toEqual([]);

    // What the client then confirms is paid, and stored by that.
    expect(await client.report([doneBy(first[0]!), doneBy(second[1]!)])).toEqual(['recorded', 'recorded']);
    expect(await stateOf(object)).toEqual({
      safe: false,
      indexes: [0, 1],
      credit: { available: OPENING_CREDIT - 2_000, reserved: 0, used: 2_000, withheld: 0 },
    });
  });

  it('stores nothing by a late pair of reports that the credit does not pay for, until it does', async () => {
    const object = someObject(fixture);
    const puts = await beginPut(client, object);
    for (const given of puts) await hostOf(given).report([failedOf(given)]);
    const rest = someObject(fixture, { shards: [0, 1, 2].map((index) => someShard(index, 333_333)) });
    const taking = await beginPut(client, rest);

    const [put] = puts;
    await hostOf(put!).report([doneBy(put!)]);
    expect(await client.report([doneBy(put!)])).toEqual(['credit_exceeded']);
    const credit = { available: 1, reserved: 999_999, used: 0, withheld: 0 };
    expect(await stateOf(object)).toEqual({ safe: false, indexes: [], credit });
    expect(await fixture.broker.checkLedger()).toEqual([]);

    for (const other of taking) await hostOf(other).report([failedOf(other)]);
    expect(await client.report([doneBy(put!)])).toEqual(['recorded']);
    expect(await stateOf(object)).toMatchObject({ indexes: [0], credit: { available: OPENING_CREDIT - 1_000 } });
  });

  it('takes reports with the codes of newer programs, and never a code that reads as success', async () => {
    const object = someObject(fixture);
    const [put, other] = await beginPut(client, object);
    expect(await hostOf(put!).report([failedOf(put!, 'code_of_a_newer_program')])).toEqual(['recorded']);
    expect((await client.credit()).reserved).toBe(2_000);
    const answer = await client.post('/v1/reports', { reports: [failedOf(other!, 'done')] });
    expect([answer.status, answer.code]).toEqual([400, 'request_invalid']);
    expect((await stateOf(object)) as { indexes: number[] }).toMatchObject({ indexes: [] });
  });

  it('lists safe objects page by page, and permits their account alone to get them', async () => {
    const objects = [someObject(fixture), someObject(fixture, { kind: 'snapshot' })];
    for (const object of objects) for (const put of await beginPut(client, object)) await complete(put);
    const unsafe = someObject(fixture);
    await complete((await beginPut(client, unsafe))[0]!);

    const ids = objects.map(({ objectId }) => objectId).sort();
    const first = await client.get<{ objects: { objectId: string }[]; next: string }>('/v1/objects?limit=1');
    expect(first.body.objects.map(({ objectId }) => objectId)).toEqual([ids[0]]);
    expect(first.body.next).toBe(ids[0]);
    const rest = await client.get<typeof first.body>(`/v1/objects?after=${first.body.next}`);
    expect(rest.body).toMatchObject({ objects: [{ objectId: ids[1], storedShards: 3 }], next: null });
    const snapshots = await client.get<typeof first.body>('/v1/objects?kind=snapshot');
    expect(snapshots.body.objects.map(({ objectId }) => objectId)).toEqual([objects[1]!.objectId]);
    expect((await client.get('/v1/objects?limit=0')).code).toBe('request_invalid');

    const [wanted] = objects;
    const [away, avoided, there] = [...hosts.values()] as [TestPeer, TestPeer, TestPeer];
    await away.post('/v1/presence', { host: null, program: 'test' });
    const get = await client.post<BeginGetAnswer>('/v1/gets', {
      objects: [{ objectId: wanted!.objectId, avoid: [avoided.peerId] }],
    });
    const [permitted] = get.body.objects;
    expect(permitted).toMatchObject({ dataShards: 2, totalShards: 3, sizeBytes: wanted!.sizeBytes });
    expect(permitted!.permissions.map(({ host }) => host.peerId)).toEqual([there.peerId]);
    expect(permitted!.offline.map(({ peerId }) => peerId)).toEqual([away.peerId]);
    const [permission] = permitted!.permissions;
    const shard = wanted!.shards.find(({ index }) => index === permission!.index)!;
    expect(permission).toMatchObject({ cid: shard.cid, sizeBytes: shard.sizeBytes });

    const foreign = await there.post('/v1/gets', { objects: [{ objectId: wanted!.objectId, avoid: [] }] });
    expect(foreign.code).toBe('object_unknown');
  });

  it('answers a restart with everything it had acknowledged, and refuses messages from before it', async () => {
    const object = someObject(fixture);
    const puts = await beginPut(client, object);
    await complete(puts[0]!);
    const credit = await client.credit();
    const { joinLink } = fixture.broker;
    const beforeMs = fixture.clock.nowMs();
    fixture.clock.advance(2_000);
    await fixture.stop();
    await fixture.startAgain();

    expect(parseJoinLink(fixture.broker.joinLink).caSha256).toBe(parseJoinLink(joinLink).caSha256);
    expect(await client.get('/v1/peers/me', { createdMs: beforeMs })).toMatchObject({
      code: 'message_predates_restart',
      signed: true,
    });
    expect(await client.credit()).toEqual(credit);
    expect((await client.get<{ eligibleHosts: number }>('/v1/redundancy')).body.eligibleHosts).toBe(3);
    await complete(puts[1]!);
    await complete(puts[2]!);
    const listed = await client.get<{ objects: object[] }>('/v1/objects');
    expect(listed.body.objects).toHaveLength(1);
  });
});

describe('secrets and the data directory', () => {
  it('are readable for their owner only, and hold no transaction key in clear', async () => {
    const peer = await TestPeer.enrol(fixture);
    expect((await stat(fixture.dataDir)).mode & 0o777).toBe(0o700);
    const names = await readdir(fixture.dataDir);
    expect(names).toContain('key-encryption.key');
    const canaries = [
      Buffer.from(peer.key.bytes),
      utf8Of(encodeBase64url(peer.key.bytes)),
      utf8Of(encodeHex(peer.key.bytes)),
    ];
    for (const name of names) {
      expect([name, (await stat(join(fixture.dataDir, name))).mode & 0o077]).toEqual([name, 0]);
      const content = await readDataFile(fixture, name);
      for (const canary of canaries) expect([name, content.includes(canary)]).toEqual([name, false]);
    }
    // The search would have found it: the key id stands there.
    const database = Buffer.concat(
      await Promise.all(['broker.db', 'broker.db-wal'].map((n) => readDataFile(fixture, n))),
    );
    expect(database.includes(peer.key.kid)).toBe(true);
  });

  it('belong to one broker at a time', async () => {
    await expect(fixture.startAgain()).rejects.toSatisfy((error) => isRefusal(error, 'data_dir_in_use'));
  });

  it('are not used when others could read the key-encryption key, or without it', async () => {
    const separate = await BrokerFixture.start();
    await separate.stop();
    const key = join(separate.dataDir, 'key-encryption.key');
    await chmod(key, 0o640);
    await expect(separate.startAgain()).rejects.toSatisfy((error) => isRefusal(error, 'secret_file_exposed'));
    await chmod(key, 0o600);
    const right = await readFile(key);
    await writeFile(key, new Uint8Array(32));
    await expect(separate.startAgain()).rejects.toSatisfy((error) => isRefusal(error, 'data_dir_corrupt'));
    await writeFile(key, right);
    await separate.startAgain();
    await separate.remove();
  });
});

describe('stopping', () => {
  it('refuses new requests while a running one ends', async () => {
    const separate = await BrokerFixture.start();
    const ca = await separate.caPem();
    const identity = await makeIdentity();
    const { key } = await separate.broker.createEnrolmentKey();
    const body = JSON.stringify({ name: 'slow', csr: identity.csr, credential: { kind: 'enrolment-key', key } });
    const headers = { 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue' };
    const slow = httpsRequest(`${separate.url}/v1/enrolments`, { method: 'POST', ca, headers });
    // The broker has the headers when it asks for the body.
    slow.flushHeaders();
    await once(slow, 'continue');

    const stopped = separate.broker.stop();
    const refused = await request(separate.url).get('/healthz').ca(ca);
    expect([refused.status, refused.body.code]).toEqual([503, 'stopping']);
    slow.end(body);
    const [answer] = await once(slow, 'response');
    expect(answer.statusCode).toBe(200);
    answer.resume();
    await stopped;
    await separate.remove();
  });

  it('waits for no request that its client cut off, and keeps nothing of it', async () => {
    const separate = await BrokerFixture.start();
    const ca = await separate.caPem();
    const headers = { 'content-type': 'application/json', 'content-length': 100, expect: '100-continue' };
    const cut = httpsRequest(`${separate.url}/v1/enrolments`, { method: 'POST', ca, headers });
    cut.flushHeaders();
    await once(cut, 'continue');
    cut.on('error', () => undefined).destroy();
    // The clock stands still: a wait for that request would never end.
    await separate.remove();
  });

  it('leaves the data directory free, after an orderly end and after an abrupt one', async () => {
    const separate = await BrokerFixture.start();
    const peer = await TestPeer.enrol(separate);
    await separate.broker.stop();
    await separate.broker.stop();
    await separate.startAgain();
    expect((await peer.get('/v1/peers/me')).status).toBe(200);
    await separate.broker.kill();
    await separate.startAgain();
    expect((await peer.get('/v1/peers/me')).status).toBe(200);
    await separate.remove();
  });

  it('renews its own certificate past half of its life, on the open listener', async () => {
    const separate = await BrokerFixture.start();
    const serial = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const { port } = separate.broker;
        const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const first = await serial();
    await separate.broker.renewOwnCertificateNow();
    expect(await serial()).toBe(first);
    separate.clock.advance(4 * 24 * 60 * MINUTE_MS);
    await separate.broker.renewOwnCertificateNow();
    expect(await serial()).not.toBe(first);
    await separate.remove();
  });
});

function utf8Of(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

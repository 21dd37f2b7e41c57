// Recovery kits at the running broker (B6, B12): what a kit is given, what its tokens say, and how their uses are recorded.
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatTime,
  type ListKitsAnswer,
  type MakeKitAnswer,
  OFFLINE_ITEMS_MAX,
  type OfflineGetsAnswer,
  type PeerId,
  parseTime,
  type VerifiedToken,
  verifyToken,
} from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { someContent, TestNetwork } from '../testing/test-network.js';
import { makeIdentity, TestPeer } from '../testing/test-peer.js';

/** Tests turn the clock, and TLS does not follow it far. */
const LIFE_MS = 6 * 3_600_000;

let network: TestNetwork;
let database: BrokerDatabase;
let kit: MakeKitAnswer;
beforeAll(async () => {
  network = await TestNetwork.create({
    policy: { recoveryKits: { lifeMs: LIFE_MS, perAccountMax: 3, tokensMax: 40 } },
  });
  database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
  kit = (await make()).body;
});
afterAll(async () => {
  await database.close();
  await network.remove();
});

async function make(by = network.client): ReturnType<typeof network.client.post<MakeKitAnswer>> {
  const { csr } = await makeIdentity();
  return by.post<MakeKitAnswer>('/v1/kits', { csr });
}

const gets = (objects: readonly string[], by = network.client, kitId = kit.kitId) =>
  by.post<OfflineGetsAnswer>('/v1/offline-gets', { kitId, objects });

/** What the host reads in a token of the kit. */
function read(token: string, hostId: PeerId, cid: VerifiedToken['items'][number]['cid']): VerifiedToken {
  const host = network.host(hostId);
  return verifyToken(token, {
    keyOf: (kid) => [host.key, host.key.offline].find((key) => key.kid === kid),
    trustDomain: network.fixture.broker.trustDomain,
    hostId,
    clientId: kit.kitId,
    op: 'get',
    cid,
    nowMs: network.nowMs,
  });
}

describe('a kit', () => {
  it('has a certificate for as long as it is good, and is no peer', async () => {
    const certificate = new X509Certificate(kit.certificate);
    expect(certificate.subjectAltName).toBe(`URI:spiffe://${network.fixture.broker.trustDomain}/peer/${kit.kitId}`);
    expect(parseTime(kit.expiresAt)! - network.nowMs).toBe(LIFE_MS);
    expect(Date.parse(certificate.validTo)).toBeGreaterThanOrEqual(parseTime(kit.expiresAt)! + 5 * 60_000);
    expect(await database.reads.query('SELECT 1 FROM peers WHERE id = $1', [kit.kitId])).toEqual([]);
    const { body } = await network.client.get<ListKitsAnswer>('/v1/kits');
    expect(body.kits).toEqual([
      {
        kitId: kit.kitId,
        madeBy: network.client.peerId,
        madeAt: formatTime(parseTime(kit.expiresAt)! - LIFE_MS),
        expiresAt: kit.expiresAt,
        withdrawnAt: null,
      },
    ]);
  });

  it('is not made over the key of a peer, nor of what is no request', async () => {
    expect((await network.client.post('/v1/kits', { csr: network.client.identity.csr })).code).toBe('csr_invalid');
    expect((await network.client.post('/v1/kits', { csr: 'AAAA' })).code).toBe('csr_invalid');
  });

  it('cannot ask: its key signs no message, and its certificate is none of a peer that enrolled', async () => {
    const asKit = await network.client.get('/v1/kits', { peerId: kit.kitId });
    expect(asKit.code).toBe('key_unknown');
  });
});

describe('offline gets', () => {
  it('are tokens for every stored shard, of hosts that are away too, each for several gets until the end of the kit', async () => {
    const stored = [await network.store(), await network.store(), await network.store()];
    // Long enough for the hosts to count as away.
    network.fixture.clock.advance(10 * 60_000);
    const objectIds = stored.map(({ object }) => object.objectId);
    const { body } = await gets(objectIds);
    expect(body.objects.map(({ objectId }) => objectId)).toEqual(objectIds);
    expect(body.tokens).toHaveLength(3);
    for (const [i, { object }] of stored.entries()) {
      const shards = body.objects[i]!.shards;
      expect(shards.map(({ index, cid }) => ({ index, cid }))).toEqual(
        object.shards.map(({ index, cid }) => ({ index, cid })),
      );
      for (const { cid, token } of shards) {
        const { token: text, host, transactionId } = body.tokens[token]!;
        expect(host).toMatchObject({ address: expect.any(String), port: 4711 });
        const claims = read(text, host.peerId, cid);
        expect(claims).toMatchObject({ op: 'offline', transactionId, expiresAtMs: parseTime(kit.expiresAt) });
        expect(claims.items).toHaveLength(3);
        const bytes = claims.items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        expect([claims.maxBytes, claims.maxUses]).toEqual([4 * bytes, 24]);
      }
    }
    for (const host of network.hosts) await host.announce();
  });

  it('share a token as long as it fits a header', async () => {
    const one = await network.store();
    const ids = [one.object.objectId];
    while (ids.length < OFFLINE_ITEMS_MAX + 1) ids.push((await network.store()).object.objectId);
    const { body } = await gets(ids);
    expect(body.tokens).toHaveLength(6);
    for (const { token } of body.tokens) expect(token.length).toBeLessThanOrEqual(4_096);
  });

  it('are refused for what is not the account’s or is deleted, for a kit of another machine, and past its tokens', async () => {
    const { object } = await network.store();
    const stranger = await TestPeer.enrol(network.fixture);
    expect((await gets([object.objectId], stranger)).code).toBe('kit_unknown');
    const own = (await make(stranger)).body;
    expect((await gets([object.objectId], stranger, own.kitId)).code).toBe('object_unknown');
    await network.client.post('/v1/deletes', { objectIds: [object.objectId] });
    expect((await gets([object.objectId])).code).toBe('object_unknown');
    const { object: other } = await network.store();
    let code: string | undefined;
    for (let i = 0; i < 20 && code === undefined; i++) code = (await gets([other.objectId])).code;
    expect(code).toBe('kit_full');
    const [row] = await database.reads.query<{ tokens: number }[]>('SELECT tokens FROM recovery_kits WHERE id = $1', [
      kit.kitId,
    ]);
    expect(row!.tokens).toBeLessThanOrEqual(40);
  });

  it('are recorded as gets by what their hosts sign, within the budget, and as nothing else', async () => {
    const { object } = await network.store();
    const own = (await make()).body;
    const { body } = await gets([object.objectId], network.client, own.kitId);
    const [{ transactionId, host: at }] = body.tokens as [OfflineGetsAnswer['tokens'][0]];
    const host = network.host(at.peerId);
    const shard = object.shards.find(({ cid }) =>
      body.objects[0]!.shards.some((held) => held.cid === cid && held.token === 0),
    )!;
    const item = { cid: shard.cid, sizeBytes: shard.sizeBytes, result: 'served' };
    const about = { use: 1, clientId: own.kitId };
    const answer = async (report: object) =>
      (await host.post<{ results: string[] }>('/v1/reports', { reports: [report] })).body.results[0];
    expect(await answer(network.done(host, transactionId, 'get', [item], about))).toBe('recorded');
    expect(await answer(network.done(host, transactionId, 'get', [item], about))).toBe('recorded');
    const put = [{ ...someContent(), result: 'stored' }];
    expect(await answer(network.done(host, transactionId, 'put', put, { ...about, use: 2 }))).toBe('receipt_mismatch');
    expect(await answer(network.done(host, transactionId, 'get', [item], { ...about, use: 99 }))).toBe(
      'receipt_mismatch',
    );
    const row = async () => {
      const [found] = await database.reads.query<{ state: string; uses: number; moved_bytes: number }[]>(
        'SELECT state, uses, moved_bytes FROM transactions WHERE id = $1 AND is_use = 0',
        [transactionId],
      );
      return found;
    };
    expect(await row()).toEqual({ state: 'issued', uses: 1, moved_bytes: shard.sizeBytes });
    await network.endAll(LIFE_MS + 20 * 60_000);
    expect(await row()).toMatchObject({ state: 'settled', uses: 1 });
  });
});

describe('a withdrawn kit', () => {
  it('gets no tokens, and hosts are told of it until its end', async () => {
    const own = (await make()).body;
    const told = async (): Promise<readonly string[]> => {
      const offer = { listenPort: 4711, shareBytes: 1e9, usedBytes: 0, freeBytes: 1e9 };
      const { body } = await network.hosts[0]!.post<{ withdrawn: { clients: string[] } }>('/v1/presence', {
        host: offer,
        program: 'test',
      });
      return body.withdrawn.clients;
    };
    expect(await told()).not.toContain(own.kitId);
    const stranger = await TestPeer.enrol(network.fixture);
    expect((await stranger.post(`/v1/kits/${own.kitId}/withdraw`, {})).code).toBe('kit_unknown');
    for (let i = 0; i < 2; i++)
      expect((await network.client.post(`/v1/kits/${own.kitId}/withdraw`, {})).status).toBe(200);
    expect(await told()).toContain(own.kitId);
    const { object } = await network.store();
    expect((await gets([object.objectId], network.client, own.kitId)).code).toBe('kit_unknown');
    network.fixture.clock.advance(LIFE_MS + 20 * 60_000);
    await network.fixture.broker.endExpiredNow();
    expect(await told()).not.toContain(own.kitId);
    expect((await network.client.get<ListKitsAnswer>('/v1/kits')).body.kits).toEqual([]);
  });

  it('takes a place among those that there may be, until its end', async () => {
    for (let i = 0; i < 3; i++) expect((await make()).status).toBe(200);
    expect((await make()).code).toBe('kits_too_many');
  });
});

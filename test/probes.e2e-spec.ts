// Conversations that the broker begins (B8): hosts are asked where they connect from before they get shards, and again.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditHost, type LinkIdentity, probeHost } from '#peer-link';
import { BLOCK_BYTES, type ContentId, sealToken, type TokenClaims, type TransactionId, uuidV7 } from '#protocol';
import { brokerIdentity } from './broker-identity.js';
import { corruptShard } from './corrupt-shard.js';
import { ProbedHost } from './probed-host.js';
import { shareWorld } from './shared-world.js';
import { refusalOf, type WorldClient, type WorldHost } from './world.js';

const INTERVAL_MS = 60_000;
const PRESENCE_MS = 30 * INTERVAL_MS;
const world = shareWorld({
  hosts: 3,
  policy: { probeIntervalMs: INTERVAL_MS, presenceIntervalMs: PRESENCE_MS, presenceTtlMs: 48 * PRESENCE_MS },
});
let client: WorldClient;
beforeAll(async () => {
  client = await world().addClient('prober');
});

const eligible = async (): Promise<number> =>
  (await world().askBroker(client, (broker) => broker.redundancy())).eligibleHosts;

/** One round of probes when all are due; the real hosts take part. */
async function nextRound(): Promise<void> {
  world().clock.advance(2 * INTERVAL_MS);
  await world().broker.probeHostsNow();
  await world().broker.probeHostsNow();
}

describe('a host that announces itself', () => {
  it('may be chosen as soon as the answer to its presence is there', async () => {
    expect(await eligible()).toBe(3);
    const [host] = world().hosts as [WorldHost];
    const status = await world().askBroker(host, (broker) => broker.peerStatus());
    expect(status).toMatchObject({ online: true, reachable: true, unreachableReason: null });
    await nextRound();
    const rows = await world().brokerRows<{ program: string; free_bytes: number }>(
      'SELECT program, free_bytes FROM host_probes WHERE peer_id = $1',
      [host.peerId],
    );
    expect(rows).toEqual([{ program: expect.stringMatching(/agent/), free_bytes: 2_000_000_000 }]);
  });

  it('behind a closed port is never chosen, and is told so', async () => {
    const closed = await ProbedHost.create(world(), 'closed');
    const port = await closed.listen();
    await closed.close();
    const refused = { reachable: false, unreachableReason: 'peer_unreachable' };
    expect(await closed.announce(port)).toMatchObject({ ...refused, address: { port } });
    expect(await closed.status()).toMatchObject({ ...refused, online: true });
    expect(await eligible()).toBe(3);
    const objectId = uuidV7(world().clock.nowMs(), randomBytes(10));
    const { peerId } = closed.home.identity;
    const shard = { index: 0, cid: randomBytes(32).toString('base64url') as ContentId, sizeBytes: 10, target: peerId };
    const object = { objectId, kind: 'data', sizeBytes: 10, dataShards: 1, totalShards: 1, avoid: [], shards: [shard] };
    const put = world().askBroker(client, (broker) => broker.beginPut({ objects: [object as never] }));
    const settled = await put.then(
      ({ objects }) => objects[0]!.permissions.map(({ host }) => host.peerId),
      (error: { code: string }) => error.code,
    );
    expect(settled).not.toContain(peerId);
  });

  it('with a certificate that is not its own is not this host', async () => {
    const liar = await ProbedHost.create(world(), 'liar');
    const port = await liar.listen({ as: client.home });
    expect(await liar.announce(port)).toMatchObject({ reachable: false, unreachableReason: 'peer_untrusted' });
    expect(liar.tokens).toEqual([]);
    expect(await eligible()).toBe(3);
    await liar.close();
  });

  it('cannot have the broker connect to the broker, or to a low port', async () => {
    const prober = await ProbedHost.create(world(), 'prober-of-ports');
    for (const port of [world().broker.port, 22, 1_023]) {
      expect(await prober.announce(port)).toMatchObject({ unreachableReason: 'host_address_refused' });
    }
  });

  it('from one port after another is asked only so often', async () => {
    const busy = await ProbedHost.create(world(), 'busy');
    const port = await busy.listen();
    const answers = [];
    for (let i = 0; i < 30; i++) answers.push((await busy.announce(i % 2 === 0 ? port : 1_024)).reachable);
    // Every second of the first 20: the others name a closed port, and after 20 nobody asks.
    expect(answers.filter((reachable) => reachable === true)).toHaveLength(10);
    await busy.leave();
    await busy.close();
  });

  it('is forgotten by nothing but its own silence: a restarted broker knows who answered', async () => {
    await world().broker.stop();
    await world().startBroker();
    expect(await eligible()).toBeGreaterThanOrEqual(3);
  });
});

describe('a host whose port dies', () => {
  it('is dropped after three probes, comes back after one success, and shows among the refusals', async () => {
    const host = await ProbedHost.create(world(), 'mortal');
    const port = await host.listen();
    expect(await host.announce(port)).toMatchObject({ reachable: true });
    const before = await eligible();
    await host.close();
    await nextRound();
    await nextRound();
    expect(await host.status()).toMatchObject({ reachable: true, unreachableReason: 'peer_unreachable' });
    expect(await eligible()).toBe(before);
    await nextRound();
    expect(await host.status()).toMatchObject({ online: true, reachable: false });
    expect(await eligible()).toBe(before - 1);
    await host.listen({ port });
    world().clock.advance(40 * INTERVAL_MS);
    await world().broker.probeHostsNow();
    await world().broker.probeHostsNow();
    expect(await host.status()).toMatchObject({ reachable: true, unreachableReason: null });
    expect(await eligible()).toBe(before);
    await host.leave();
    await host.close();
    await world().broker.endExpiredNow();
    const rows = await world().brokerRows<{ failures: number }>(
      "SELECT SUM(failures) AS failures FROM peer_failures WHERE op = 'probe' AND client_id = 'broker' AND host_id = $1",
      [host.home.identity.peerId],
    );
    expect(rows).toEqual([{ failures: 3 }]);
  });
});

describe('a host that is asked', () => {
  let broker: LinkIdentity;
  let host: WorldHost;
  beforeAll(async () => {
    broker = await brokerIdentity(world());
    host = world().hosts[0]!;
  });

  const token = (op: 'probe' | 'audit', items: TokenClaims['items']): string => {
    const nowMs = world().clock.nowMs();
    const claims: TokenClaims = {
      trustDomain: world().broker.trustDomain,
      hostId: host.peerId,
      clientId: 'broker',
      transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      issuedAtMs: nowMs,
      notBeforeMs: nowMs,
      expiresAtMs: nowMs + 60_000,
      op,
      items,
    };
    return sealToken(host.home.transactionKeys().current, claims, randomBytes(32));
  };
  const ask = (text: string, identity = broker) => ({
    identity,
    clock: world().clock,
    host: { peerId: host.peerId, address: '127.0.0.1', port: host.agent.port },
    token: text,
  });

  it('knows the broker by its certificate: a peer with a stolen probe token is refused, a replay too', async () => {
    const { caPem, privateKeyPem } = client.home;
    const { trustDomain } = client.home.identity;
    const thief = {
      caPem,
      trustDomain,
      own: () => ({ certificatePem: client.home.certificate().pem, privateKeyPem }),
    };
    const stolen = token('probe', []);
    expect(await refusalOf(probeHost(ask(stolen, thief)))).toBe('token_wrong_client');
    expect(await probeHost(ask(stolen))).toMatchObject({ usedBytes: 0 });
    expect(await refusalOf(probeHost(ask(stolen)))).toBe('token_burned');
  });

  it('shows that it holds a shard (audits), and cannot when it has rotted', async () => {
    const source = await world().writeFiles('audited', { 'file.bin': randomBytes(3_000_000) });
    await client.backup(source);
    const [row] = await world().brokerRows<{ cid: ContentId; size_bytes: number }>(
      'SELECT cid, size_bytes FROM shards WHERE host_id = $1 ORDER BY size_bytes DESC LIMIT 1',
      [host.peerId],
    );
    const { cid, size_bytes: sizeBytes } = row!;
    const audit = () => auditHost({ ...ask(token('audit', [{ cid, sizeBytes }])), cid, sizeBytes, blocks: [0, 2] });
    await audit();
    await corruptShard(host.home.path, cid, 2 * BLOCK_BYTES);
    expect(await refusalOf(audit())).toBe('shard_corrupt');
  });
});

describe('a broker whose own network is down', () => {
  const hosts: ProbedHost[] = [];
  afterAll(async () => {
    for (const host of hosts) await host.close();
  });

  it('condemns nobody: all hosts are lost at once, and all may be chosen', async () => {
    for (const real of world().hosts) await real.stop();
    const ports: number[] = [];
    for (let i = 0; i < 4; i++) {
      const host = await ProbedHost.create(world(), `blind-${i}`);
      ports.push(await host.listen());
      expect(await host.announce(ports[i]!)).toMatchObject({ reachable: true });
      hosts.push(host);
    }
    await nextRound();
    const before = await eligible();
    for (const host of hosts) await host.close();
    for (let round = 0; round < 6; round++) await nextRound();
    expect(await eligible()).toBeGreaterThanOrEqual(4);
    for (const host of hosts) expect(await host.status()).toMatchObject({ reachable: true });
    expect(before).toBeGreaterThanOrEqual(4);
  });
});

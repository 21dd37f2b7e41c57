// The attacks on credit (B22, B25): what accounts gain that store for each other, report together what never happened, or
// mint tokens themselves. Nothing: every purse is compared. Where the other attacks are shown stands in docs/security.md.
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type BeginGetAnswer,
  type BeginPutAnswer,
  isRefusal,
  type PeerId,
  sealToken,
  type TransactionId,
  TransactionKey,
  uuidV7,
} from '#protocol';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { OPENING_CREDIT, someContent, TestNetwork } from '../apps/server/src/testing/test-network.js';
import { beginPut, type Put, someObject, someShard, TestPeer } from '../apps/server/src/testing/test-peer.js';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const SHARD_BYTES = 100_000;
/** One whole copy on each of two hosts, paid at one and a half: where bytes were earned, a third would be made of nothing. */
const WEAK = {
  redundancy: [{ hosts: 2, dataShards: 1, totalShards: 2, safeShards: 2 }],
  exchange: { windowDays: 1, classes: { 'second-copy': { ratio: 1.5 } } },
  presenceTtlMs: DAY_HOURS * HOUR_MS,
  presenceIntervalMs: 12 * HOUR_MS,
};
const BELIEVED = { ...WEAK, audits: { on: false } };
const OBJECT = { dataShards: 1, totalShards: 2, sizeBytes: SHARD_BYTES };

let network: TestNetwork;
let database: BrokerDatabase;

async function open(policy: object, hosts: number): Promise<void> {
  network = await TestNetwork.create({ policy, hosts });
  database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
}

afterEach(async () => {
  await database.close();
  await network.remove();
});

/** The exchange looks at this hour, after so many. */
async function look(afterHours: number): Promise<void> {
  network.fixture.clock.advance(afterHours * HOUR_MS);
  // The first may join a run that began before the hours were over.
  for (let run = 0; run < 2; run++) await network.fixture.broker.exchangeCreditNow();
}

/** To the end of a whole day in which all hosts were there: the exchange has decided for 24 hours of what is held now. */
async function passWholeDay(): Promise<void> {
  const hour = Math.floor(network.nowMs / HOUR_MS) % DAY_HOURS;
  await look(DAY_HOURS - 1 - hour);
  network.fixture.clock.advance(HOUR_MS);
  await Promise.all(network.hosts.map((host) => host.announce()));
  for (const hours of [0, 12, 11, 1]) await look(hours);
}

/** The crowd has waited for the end of its probation. */
async function vetAll(): Promise<void> {
  await database.write((db) => db.query("UPDATE peers SET state = 'active', vetted_at_ms = $1", [network.nowMs]));
}

/** Every purse of every account, and the world's. */
async function everyPurse(): Promise<Map<string, number>> {
  const rows = await database.reads.query<{ id: string; balance: number }[]>('SELECT id, balance FROM ledger_accounts');
  return new Map(rows.map(({ id, balance }) => [id, balance]));
}

const sumOf = (purses: ReadonlyMap<string, number>, purse: string): number =>
  [...purses].reduce((sum, [id, balance]) => sum + (id.startsWith(`${purse}:`) ? balance : 0), 0);

/** An object of `client` with one shard at each of these hosts; both ends say that it is there. */
async function storeAt(client: TestPeer, hosts: readonly TestPeer[]): Promise<void> {
  const shards = hosts.map(({ peerId }, index) => ({ ...someShard(index, SHARD_BYTES), target: peerId }));
  const object = someObject(network.fixture, { ...OBJECT, shards });
  const answer = await client.post<BeginPutAnswer>('/v1/puts', { objects: [object] });
  if (answer.status !== 200) throw new Error(`put refused: ${answer.code}`);
  const reports = answer.body.objects[0]!.permissions.map(({ index, transactionId, host }) => {
    const items = [{ cid: shards[index]!.cid, sizeBytes: SHARD_BYTES, result: 'stored' }];
    return network.done(network.host(host.peerId), transactionId, 'put', items, { clientId: client.peerId });
  });
  expect(await client.report(reports)).toEqual(['recorded', 'recorded']);
}

describe('accounts that store for each other', () => {
  /** Hosting that has earned something, and nobody with more to spend than all had at the beginning. */
  async function expectNothingGained(accounts: number): Promise<void> {
    const purses = await everyPurse();
    const granted = -purses.get('issuance')! - accounts * OPENING_CREDIT;
    expect(granted).toBeGreaterThan(0);
    expect(granted).toBeLessThanOrEqual(sumOf(purses, 'used'));
    expect(sumOf(purses, 'available')).toBeLessThanOrEqual(accounts * OPENING_CREDIT);
    expect(await network.fixture.broker.checkLedger()).toEqual([]);
  }

  it('gain nothing where two of one person trade junk, for as long as it lies there or after', async () => {
    await open(BELIEVED, 1);
    const [first] = network.hosts as [TestPeer];
    const { key } = await network.fixture.broker.createEnrolmentKey({ accountId: first.enrolled.accountId });
    const second = await TestPeer.enrol(network.fixture, { kind: 'enrolment-key', key });
    await second.announce();
    (network.hosts as TestPeer[]).push(second);
    await vetAll();
    for (let i = 0; i < 4; i++) await storeAt(network.client, [first, second]);
    await passWholeDay();
    // The whole charge has come to the other purse, and no more.
    expect((await first.credit()).available).toBe(OPENING_CREDIT + 4 * 1.5 * SHARD_BYTES);
    await expectNothingGained(2);
    // Deleted, it comes back; what was earned by it lapses with the days.
    const { body } = await network.client.get<{ objects: { objectId: string }[] }>('/v1/objects');
    const asked = { objectIds: body.objects.map(({ objectId }) => objectId) };
    const deletes = await network.client.post<{
      batches: { transactionId: TransactionId; host: { peerId: PeerId }; items: { cid: never; sizeBytes: number }[] }[];
    }>('/v1/deletes', asked);
    for (const { transactionId, host, items } of deletes.body.batches) {
      const deleted = items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, result: 'deleted' }));
      const at = network.host(host.peerId);
      await at.report([network.done(at, transactionId, 'delete', deleted)]);
    }
    await look(DAY_HOURS);
    await look(DAY_HOURS);
    for (const account of [network.client, first]) {
      expect(await account.credit()).toEqual({ available: OPENING_CREDIT, reserved: 0, used: 0, withheld: 0 });
    }
  });

  it('gain nothing in a ring of 50 that store for each other only', async () => {
    await open(BELIEVED, 50);
    await vetAll();
    const ring = network.hosts;
    await Promise.all(ring.map((peer, i) => storeAt(peer, [ring[(i + 1) % 50]!, ring[(i + 2) % 50]!])));
    await passWholeDay();
    // The client that belongs to nobody of the ring is an account too.
    await expectNothingGained(51);
    for (const peer of ring) expect((await peer.credit()).available).toBe(OPENING_CREDIT);
  });
});

describe('a host and a client that report together', () => {
  const begin = async (): Promise<Put> => {
    const shards = [0, 1].map((index) => someShard(index, SHARD_BYTES));
    return (await beginPut(network.client, someObject(network.fixture, { ...OBJECT, shards })))[0]!;
  };

  it('earn nothing by a transfer that never took place: who shows no block has proved nothing', async () => {
    await open(WEAK, 2);
    await vetAll();
    const put = await begin();
    const host = network.host(put.permission.host.peerId);
    const report = network.doneOf(put);
    expect(await host.report([report])).toEqual(['recorded']);
    expect(await network.client.report([report])).toEqual(['recorded']);
    const before = await host.credit();
    await passWholeDay();
    expect(await host.credit()).toEqual(before);
    // Who claimed it pays for it.
    expect((await network.client.credit()).used).toBe(0.75 * SHARD_BYTES);
    const purses = await everyPurse();
    expect(-purses.get('issuance')!).toBe(3 * OPENING_CREDIT);
  });

  it('move nothing by a receipt of more bytes, of other content, or in a third name', async () => {
    await open(WEAK, 2);
    const put = await begin();
    const { transactionId } = put.permission;
    const { cid, sizeBytes } = put.shard;
    const host = network.host(put.permission.host.peerId);
    const other = network.hosts.find((peer) => peer !== host)!;
    const item = { cid, sizeBytes, result: 'stored' };
    const told = (items: object[], by = host, more = {}) =>
      network.done(by, transactionId, 'put', items as never, more);
    const before = await everyPurse();
    for (const lie of [
      told([{ ...item, sizeBytes: 100 * sizeBytes }]),
      told([{ ...item, cid: someContent().cid }]),
      told([item, { ...item, cid: someContent().cid }]),
      told([item], host, { clientId: other.peerId }),
      told([item], other),
      network.done(host, transactionId, 'get', [{ ...item, result: 'served' }] as never),
    ]) {
      for (const reporter of [network.client, host, other]) {
        const [result] = await reporter.report([lie]);
        expect(['receipt_mismatch', 'receipt_invalid', 'transaction_unknown']).toContain(result);
      }
      expect(await everyPurse()).toEqual(before);
    }
  });
});

describe('tokens of their own making', () => {
  it('move no credit: neither those of the host, which has the key, nor those of the client, which has none (trap 9)', async () => {
    await open(BELIEVED, 2);
    await vetAll();
    const shards = [0, 1].map((index) => someShard(index, SHARD_BYTES));
    const object = someObject(network.fixture, { ...OBJECT, shards });
    const puts = await beginPut(network.client, object);
    for (const put of puts) {
      const report = network.doneOf(put);
      expect(await network.client.report([report])).toEqual(['recorded']);
    }
    const [host, other] = network.hosts as [TestPeer, TestPeer];
    const get = { objects: [{ objectId: object.objectId, avoid: [] }] };
    const { body } = await network.client.post<BeginGetAnswer>('/v1/gets', get);
    const gets = body.objects[0]!.permissions;
    const before = await everyPurse();

    const { cid, sizeBytes } = someContent(SHARD_BYTES);
    const mint = (transactionId: TransactionId, key: TransactionKey): string =>
      sealToken(
        key,
        {
          trustDomain: network.fixture.broker.trustDomain,
          transactionId,
          op: 'put',
          hostId: host.peerId,
          clientId: network.client.peerId,
          items: [{ cid, sizeBytes }],
          issuedAtMs: network.nowMs,
          notBeforeMs: network.nowMs,
          expiresAtMs: network.nowMs + 60_000,
        },
        randomBytes(32),
      );
    const fresh = uuidV7<TransactionId>(network.nowMs, randomBytes(10));
    const ids = [fresh, gets[0]!.transactionId, puts[0]!.permission.transactionId, puts[1]!.permission.transactionId];
    for (const transactionId of ids) {
      // To the host itself it is as good as the broker's, and its receipt has a true signature.
      const token = mint(transactionId, host.key);
      expect(network.read(token, host, { op: 'put', cid }).transactionId).toBe(transactionId);
      const report = network.done(host, transactionId, 'put', [{ cid, sizeBytes, result: 'stored' }]);
      for (const reporter of [host, network.client, other]) {
        expect(await reporter.report([report])).not.toEqual(['recorded']);
      }
      // A client has no key that the host would take.
      const forged = mint(transactionId, new TransactionKey(randomBytes(32)));
      expect(isRefusal(refusalOf(() => network.read(forged, host, { op: 'put', cid })))).toBe(true);
    }
    expect(await everyPurse()).toEqual(before);
    // Nor is it held, or earned by, later.
    await passWholeDay();
    const purses = await everyPurse();
    expect(-purses.get('issuance')! - 3 * OPENING_CREDIT).toBe(2 * 0.75 * SHARD_BYTES);
  });
});

function refusalOf(read: () => unknown): unknown {
  try {
    read();
  } catch (error) {
    return error;
  }
  return null;
}
